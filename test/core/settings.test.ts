import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkConfig } from '../../src/core/config.js';
import { createSettingsAdmin } from '../../src/core/settings.js';
import { memory, sqlite } from '../../src/core/store/sqlite.js';
import { send, startRig, until } from '../support/gateway.js';

const config = checkConfig({
  api_gateways: { openai: { model_mappings: { 'gpt-4': 'llama2:70b', 'gpt-3.5-turbo': 'llama2' } } },
});

test('a setting in the store beats the file, until it is reset', async () => {
  const store = memory();
  const admin = createSettingsAdmin({ store, config });
  await admin.change('openai', {
    enabled: false,
    model_mappings: { 'gpt-4': 'mistral', 'gpt-3.5-turbo': null },
  });
  await admin.change('openai', { default_model: 'phi' });
  expect(await admin.get('openai')).toEqual({
    enabled: false,
    model_mappings: { 'gpt-4': 'mistral' },
    default_model: 'phi',
  });
  expect((await admin.get('ollama')).enabled).toBe(true);
  await admin.reset('openai');
  expect(await admin.get('openai')).toEqual({
    enabled: true,
    model_mappings: { 'gpt-4': 'llama2:70b', 'gpt-3.5-turbo': 'llama2' },
    default_model: undefined,
  });
  await store.close();
});

test('changes made at the same time are all kept', async () => {
  const store = memory();
  const admin = createSettingsAdmin({ store, config });
  const names = Array.from({ length: 20 }, (_, i) => `name-${i}`);
  await Promise.all(names.map((name) => admin.change('openai', { model_mappings: { [name]: 'llama2' } })));
  expect(Object.keys((await admin.get('openai')).model_mappings)).toEqual(expect.arrayContaining(names));
  await store.close();
});

test('a mapping to a mapping, or to what is no name, is refused', async () => {
  const store = memory();
  const admin = createSettingsAdmin({ store, config });
  await expect(admin.change('openai', { model_mappings: { a: 'gpt-4' } })).rejects.toThrow(
    'itself a mapping',
  );
  await expect(admin.change('openai', { model_mappings: { a: 'llama2: 70b' } })).rejects.toThrow(
    'which no model can have as its name',
  );
  await store.close();
});

test('a running gateway sees a change made elsewhere within a second, and a running stream goes on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'settings-'));
  const path = join(directory, 'shared.db');
  const rig = await startRig({ store: `sqlite:${path}` });
  const elsewhere = sqlite({ path });
  const admin = createSettingsAdmin({ store: elsewhere, config: rig.gateway.config });
  const { key } = await rig.user();
  const chat = (model: string, more: object = {}) =>
    send(rig.url, '/openai/v1/chat/completions', {
      key,
      body: { model, messages: [{ role: 'user', content: 'Count from 1 to 60' }], ...more },
    });

  rig.simulator.pace = 10;
  const stream = chat('gpt-4', { stream: true });
  await until(() => rig.simulator.requests.length > 0);
  await admin.change('openai', { enabled: false });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  rig.simulator.pace = 0;
  const refused = await chat('gpt-4');
  expect(refused.status).toBe(503);
  expect(refused.json).toMatchObject({ error: { code: 'gateway_disabled' } });
  expect((await send(rig.url, '/')).json).toMatchObject({ gateways: { openai: { status: 'disabled' } } });
  expect((await send(rig.url, '/status')).json).toMatchObject({
    gateways: { openai: { status: 'disabled' } },
  });
  expect((await stream).text).toContain('[DONE]');

  await admin.change('openai', { enabled: true, model_mappings: { mine: 'llama2' } });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect((await chat('mine')).json).toMatchObject({ model: 'mine' });

  await rig.close();
  await elsewhere.close();
  await rm(directory, { recursive: true, force: true });
});
