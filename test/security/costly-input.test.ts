/**
 * One request does not keep the server from all others: what a body makes the gateway do grows with its length, and
 * no faster. Each of these would take minutes, and some of them years, if it grew with the square.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSimulator } from '../../src/testing/index.js';
import { send } from '../support/gateway.js';
import { cli, startServer, stopServers, writeConfig } from '../support/server-process.js';

const LONG = 1_000_000;
const messages = [{ role: 'user', content: 'Hello!' }];
const image = (url: string) => ({
  model: 'llama2',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
});
const names = Array.from({ length: 150_000 }, (_, i) => `tool_${i}`);

const BODIES: [string, string, object][] = [
  ['a model of many sources', '/ollama/api/chat', { model: `${':local '.repeat(40)}x`, messages }],
  ['a model of one letter', '/ollama/v1/chat', { model: 'x'.repeat(LONG), messages }],
  ['a model of spaces', '/openai/v1/chat/completions', { model: `a${' '.repeat(LONG)}b`, messages }],
  ['a model of slashes', '/ollama/api/show', { model: '/'.repeat(LONG) }],
  ['a duration without a unit', '/ollama/api/generate', { model: 'llama2', keep_alive: '1'.repeat(LONG) }],
  [
    'a duration of one number',
    '/ollama/api/generate',
    { model: 'llama2', keep_alive: `${'1'.repeat(LONG)}.s` },
  ],
  [
    'an image of line breaks',
    '/ollama/api/generate',
    { model: 'llama2', prompt: 'a', images: [`${'\n'.repeat(LONG)}!!!!`] },
  ],
  ['an image of padding', '/openai/v1/chat/completions', image(`data:image/png;base64,${'='.repeat(LONG)}!`)],
  ['an image without an end', '/openai/v1/chat/completions', image(`data:${';'.repeat(LONG)}`)],
  [
    'many tools and a choice of all',
    '/openai/v1/chat/completions',
    {
      model: 'llama2',
      messages,
      tools: names.map((name) => ({ type: 'function', function: { name } })),
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: {
          mode: 'nothing',
          tools: names.map((name) => ({ type: 'function', function: { name } })),
        },
      },
    },
  ],
  [
    'a message of many parts',
    '/openai/v1/chat/completions',
    {
      model: 'x'.repeat(1_000),
      messages: [
        { role: 'user', content: Array.from({ length: 200_000 }, () => ({ type: 'text', text: 'a' })) },
      ],
    },
  ],
];

let close: () => Promise<void>;
let url: string;
let key: string;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  const simulator = await startSimulator();
  const config = await writeConfig(directory, Number(new URL(simulator.url).port));
  await cli(config, 'user', 'create', 'ann');
  key = (await cli(config, 'key', 'generate', 'ann')).match(/pk_live_\w+/)![0];
  ({ url } = await startServer(config));
  close = async () => {
    await stopServers();
    await simulator.close();
    await rm(directory, { recursive: true, force: true });
  };
});
afterAll(() => close());

test.each(BODIES)('%s keeps nobody else waiting', { timeout: 60_000 }, async (_name, path, body) => {
  const { status } = await send(url, path, { key, body });
  expect(status).toBeLessThan(500);
  expect((await send(url, '/healthz')).status).toBe(200);
});
