/** What the lists of models say, and how soon they say it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';
import { type OwnUpstream, startOwnUpstream } from '../support/own-upstream.js';

describe('a change made through one process', () => {
  let directory: string;
  let one: Rig;
  let other: Rig;
  let key: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parallama-lists-'));
    const store = `sqlite:${join(directory, 'lists.db')}`;
    const auth = { jwt_secret_file: join(directory, 'secret') };
    one = await startRig({ store, config: { auth } });
    const ollama = { host: 'http://127.0.0.1', port: one.simulator.port };
    other = await startRig({ store, config: { auth, api_gateways: { ollama } } });
    ({ key } = await one.user('admin'));
  });
  afterAll(async () => {
    await other.close();
    await one.close();
    await rm(directory, { recursive: true, force: true });
  });

  const clientOf = (rig: Rig) =>
    new Ollama({ host: `${rig.url}/ollama`, headers: { authorization: `Bearer ${key}` } });
  const listed = async (rig: Rig, name: string) => {
    const { json } = await send(rig.url, '/openai/v1/models', { key });
    const guide = await send(rig.url, '/ollama/v1/models', { key });
    const ids = (json as { data: { id: string }[] }).data.map(({ id }) => id);
    const names = (guide.json as { models: { name: string }[] }).models.map((model) => model.name);
    expect(names.includes(name)).toBe(ids.includes(`${name}:latest`));
    return names.includes(name);
  };

  test('shows at once in the lists of every process: a model that was fetched, copied, made, removed', async () => {
    const client = clientOf(one);
    for (let round = 0; round < 5; round += 1) {
      expect(await listed(other, 'mistral')).toBe(false);
      for await (const { status } of await client.pull({ model: 'mistral', stream: true })) {
        if (status !== 'success') continue;
        expect(await listed(other, 'mistral')).toBe(true);
        expect(await listed(one, 'mistral')).toBe(true);
      }
      await client.copy({ source: 'mistral', destination: 'storm' });
      expect(await listed(other, 'storm')).toBe(true);
      await client.create({ model: 'gale', from: 'mistral' });
      expect(await listed(other, 'gale')).toBe(true);
      for (const model of ['mistral', 'storm', 'gale']) {
        await client.delete({ model });
        expect(await listed(other, model)).toBe(false);
        expect(await listed(one, model)).toBe(false);
      }
    }
  });

  test('and what is not changed is not asked for again', async () => {
    await listed(other, 'mistral');
    const asked = () => one.simulator.requests.filter(({ path }) => path === '/api/tags').length;
    const before = asked();
    for (let round = 0; round < 5; round += 1) await listed(other, 'mistral');
    expect(asked()).toBe(before);
  });
});

describe('who else runs a model, and what it was made from', () => {
  const DETAILS = { parent_model: '/srv/models/blobs/sha256-1', format: 'gguf', family: 'llama' };
  const ENTRY = { name: 'far:latest', model: 'far:latest', size: 1, details: DETAILS };
  const REMOTE = { remote_model: 'gpt-oss:120b', remote_host: 'https://ollama.com:443' };
  const SHOWN = { template: '{{ .Prompt }}', details: DETAILS, model_info: {}, capabilities: ['completion'] };
  const ANSWERS: Record<string, object> = {
    '/api/tags': {
      models: [
        { ...ENTRY, ...REMOTE },
        { name: 'near:latest', details: { parent_model: '' } },
      ],
    },
    '/api/ps': { models: [ENTRY] },
    '/api/show': { modelfile: 'FROM /srv', system: 'Be kind.', ...SHOWN, ...REMOTE },
  };
  let upstream: OwnUpstream;
  let rig: Rig;
  let admin: string;
  let user: string;
  const bodies: string[] = [];
  beforeAll(async () => {
    upstream = await startOwnUpstream(async (req, res) => {
      let body = '';
      for await (const part of req) body += part;
      bodies.push(body);
      res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      res.end(JSON.stringify(ANSWERS[req.url ?? ''] ?? {}));
    });
    const ollama = { host: 'http://127.0.0.1', port: upstream.port };
    rig = await startRig({ config: { api_gateways: { ollama } } });
    admin = (await rig.user('admin')).key;
    user = (await rig.user('basic')).key;
  });
  afterAll(async () => {
    await rig.close();
    upstream.stop();
  });

  test.each(['/api/tags', '/api/ps'])('is not told to those who use models: %s', async (path) => {
    const { text, json } = await send(rig.url, `/ollama${path}`, { key: user });
    expect(text).not.toMatch(/remote_|ollama\.com|gpt-oss|\/srv/);
    const [far] = (json as { models: { name: string; details: object }[] }).models;
    expect(far).toEqual({ ...ENTRY, details: { ...DETAILS, parent_model: '' } });
    expect((await send(rig.url, `/ollama${path}`, { key: admin })).json).toEqual(ANSWERS[path]);
  });

  test('is not told of one model either, nor are megabytes of its inside', async () => {
    const ask = (key: string) =>
      send(rig.url, '/ollama/api/show', { key, body: { model: 'far', verbose: true } });
    expect((await ask(user)).json).toEqual({ ...SHOWN, details: { ...DETAILS, parent_model: '' } });
    expect(JSON.parse(bodies.at(-1)!)).toEqual({ model: 'far' });
    expect((await ask(admin)).json).toEqual(ANSWERS['/api/show']);
    expect(JSON.parse(bodies.at(-1)!)).toEqual({ model: 'far', verbose: true });
  });
});
