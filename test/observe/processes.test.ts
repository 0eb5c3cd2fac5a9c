import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { announceProcess, runningProcesses } from '../../src/core/observe/processes.js';
import { createTraffic } from '../../src/core/observe/traffic.js';
import { type Store, StoreUnavailable } from '../../src/core/store/port.js';
import { memory } from '../../src/core/store/sqlite.js';
import type { ModelActivity } from '../../src/core/upstream/healing.js';

function announce(store: Store, models: Record<string, ModelActivity> = {}) {
  const traffic = createTraffic();
  const troubles: unknown[] = [];
  const presence = announceProcess({
    store,
    traffic,
    models: () => models,
    version: '1',
    onTrouble: (error) => troubles.push(error),
  });
  return { traffic, presence, troubles };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50);
}

test('two processes sum their traffic; one that closes is gone at once', async () => {
  const store = memory();
  const a = announce(store);
  const b = announce(store);
  a.traffic.note('openai', 10);
  b.traffic.note('openai', 30);
  b.traffic.note('ollama', 7);
  const both = { latency_ms: 20, requests_per_second: 0.03 };
  await until(async () => (await a.presence.traffic()).openai.latency_ms === 20);
  expect((await a.presence.traffic()).openai).toEqual(both);
  expect((await a.presence.traffic()).ollama).toEqual({ latency_ms: 7, requests_per_second: 0.02 });

  const [first] = await runningProcesses(store);
  expect(first).toMatchObject({ pid: process.pid, version: '1', started: expect.stringMatching(/Z$/) });
  expect(await runningProcesses(store)).toHaveLength(2);
  await b.presence.close();
  expect(await runningProcesses(store)).toHaveLength(1);
  await a.presence.close();
  await store.close();
});

test('each knows what the others see of the models', async () => {
  const store = memory();
  const a = announce(store, { 'llama2:latest': { idle: 0 } });
  const b = announce(store, { 'tiny:latest': { idle: 20, aborted: 30 } });
  await until(async () => (await a.presence.modelsElsewhere()).length === 1);
  expect(await a.presence.modelsElsewhere()).toEqual([{ 'tiny:latest': { idle: 20, aborted: 30 } }]);
  expect(await b.presence.modelsElsewhere()).toEqual([{ 'llama2:latest': { idle: 0 } }]);
  await Promise.all([a.presence.close(), b.presence.close()]);
  await store.close();
});

test('one that died is gone 15 seconds after its last sign of life', async () => {
  let now = Date.now();
  const store = memory({ now: () => now });
  const dead = announce(store);
  await until(async () => (await runningProcesses(store)).length === 1);
  now += 14_000;
  expect(await runningProcesses(store)).toHaveLength(1);
  now += 1_100;
  expect(await runningProcesses(store)).toHaveLength(0);
  await dead.presence.close();
  await store.close();
});

test('while the store is away it knows of itself, and makes no noise', async () => {
  const real = memory();
  const away = () => Promise.reject(new StoreUnavailable('away'));
  const { traffic, presence, troubles } = announce({
    ...real,
    get: away,
    list: away,
    create: away,
    delete: away,
  });
  traffic.note('openai', 10);
  expect((await presence.traffic()).openai).toEqual({ latency_ms: 10, requests_per_second: 0.02 });
  await presence.close();
  expect(troubles).toEqual([]);
  await real.close();
});
