/** Secrets that are put into every input are in no line of any log, on every endpoint and every way to fail. */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkConfig } from '../../src/core/config.js';
import { createRoutes } from '../../src/core/routes.js';
import { type Beside, startBeside } from '../cli/beside.js';

const CANARY = 'canary7f3a';
/** In passwords, prompts, queries, headers, field names, model names' neighbours: wherever a client can write. */
const secret = (where: string) => `${CANARY}-${where}`;

const BODIES: Record<string, unknown>[] = [
  {
    model: 'llama2',
    messages: [{ role: 'user', content: secret('prompt') }],
    prompt: secret('prompt'),
    input: secret('input'),
  },
  {
    model: 'llama2',
    messages: [{ role: 'user', content: secret('prompt') }],
    prompt: secret('prompt'),
    input: secret('input'),
    stream: true,
  },
  {
    model: 'nothing-like-it',
    messages: [{ role: 'user', content: secret('prompt') }],
    prompt: secret('prompt'),
    input: secret('input'),
  },
  {
    model: 'llama2',
    messages: [{ role: secret('role'), content: { [secret('key')]: 1 } }],
    prompt: { a: secret('prompt') },
  },
  {
    model: 'llama2',
    messages: [{ role: 'user', content: secret('p') }],
    tools: [{ type: secret('tool') }],
    format: secret('format'),
  },
  { username: secret('user'), password: secret('password') },
  {
    username: 'ada',
    password: secret('password'),
    refresh_token: `rt_${secret('refresh')}`,
    invitation: secret('invitation'),
  },
  { refresh_token: 7, name: secret('name') },
];

/** A body that is no JSON, with the secret in it: parsers like to quote what they stumble on. */
const BROKEN = `{"prompt": "${secret('broken')}" ${secret('syntax')}`;

const ROUTES = (() => {
  const config = checkConfig({});
  const routes = createRoutes(config, { accounts: true });
  const known = [
    '/',
    '/status',
    '/healthz',
    '/readyz',
    '/metrics',
    '/admin/v1/usage',
    '/auth/register',
    '/auth/login',
    '/auth/token',
    '/auth/logout',
    '/auth/keys',
    '/ollama',
  ];
  const offered = (['ollama', 'openai'] as const).flatMap((gateway) => routes.endpoints(gateway));
  return [...new Set([...known, ...offered.map((endpoint) => /\/\S*/.exec(String(endpoint))?.[0] ?? '/')])];
})();

async function everything(beside: Beside, keys: string[]): Promise<number> {
  let asked = 0;
  for (const route of ROUTES) {
    const path = route.replace(/[{:][^/]*/, secret('id'));
    for (const key of keys) {
      for (const body of [undefined, ...BODIES.map((value) => JSON.stringify(value)), BROKEN]) {
        asked += 1;
        const response = await fetch(`${beside.url}${path}?key=${secret('query')}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: {
            authorization: key,
            cookie: `session=${secret('cookie')}`,
            'x-api-key': secret('header'),
            'content-type': 'application/json',
          },
          body,
          signal: AbortSignal.timeout(20_000),
        });
        await response.text();
      }
    }
  }
  return asked;
}

async function logLines(directory: string): Promise<string> {
  const names = await readdir(directory);
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return texts.join('');
}

test('no secret reaches a log', { timeout: 120_000 }, async () => {
  const beside = await startBeside({ config: 'server: { heartbeat: 0 }' });
  await beside.json('user', 'create', 'ada', '--admin');
  const { key } = await beside.json<{ key: string }>('key', 'generate', 'ada');
  const account = { username: 'eve', password: secret('real') };
  const { refresh_token } = (await beside.ask('/auth/register', { body: account })).json;
  const { access_token } = (await beside.ask('/auth/login', { body: account })).json;
  const reused = await beside.ask('/auth/token', { body: { refresh_token } });
  await beside.ask('/auth/token', { body: { refresh_token } });
  const made = (await beside.ask('/auth/keys', { key: String(access_token), body: { name: secret('name') } }))
    .json;
  const metricsBefore = (await beside.ask('/metrics')).text;

  // Where an id belongs.
  for (const credential of [key, refresh_token]) {
    await fetch(`${beside.url}/auth/keys/${credential}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${access_token}` },
    });
  }

  const asked = await everything(beside, [
    `Bearer ${key}`,
    `Bearer ${access_token}`,
    `Bearer pk_live_${secret('key')}`,
    `Basic ${secret('basic')}`,
  ]);
  expect(asked).toBeGreaterThan(500);

  // A client that leaves, and an upstream that fails in the middle and quotes the prompt.
  const leaving = new AbortController();
  beside.simulator.pace = 50;
  const stream = await fetch(`${beside.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ ...BODIES[1], model: 'gpt-3.5-turbo' }),
    signal: leaving.signal,
  });
  await stream.body?.getReader().read();
  leaving.abort();
  beside.simulator.pace = 0;
  await new Promise((resolve) => setTimeout(resolve, 500));

  const metrics = (await beside.ask('/metrics')).text;
  beside.server.process.kill('SIGTERM');
  const { stdout, stderr } = await beside.server.ended;
  const lines = await logLines(join(beside.cwd, 'logs'));
  expect(lines.split('\n').length).toBeGreaterThan(asked);
  const all = lines + stdout + stderr;
  for (const [name, value] of Object.entries({
    key,
    refresh_token,
    access_token,
    made: made.key,
    next: reused.json.refresh_token,
  })) {
    expect({ name, leaked: all.includes(String(value)) }).toEqual({ name, leaked: false });
  }
  const leaks = all.split('\n').filter((line) => line.includes(CANARY));
  // A path is logged without its query; what stands in the place of an id is part of it, and no secret of ours.
  expect(leaks.filter((line) => !line.includes(`/${secret('id')}"`))).toEqual([]);
  expect(metrics + metricsBefore).not.toContain(CANARY);
});

test('nor does what a failing upstream says of it', async () => {
  const upstream = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk) => {
      text += chunk;
    });
    req.on('end', () => {
      res.statusCode = 500;
      res.end(JSON.stringify({ error: `cannot answer ${text}` }));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => upstream.once('listening', resolve));
  onTestFinished(() => void upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const beside = await startBeside({ upstreamPort: port });
  await beside.json('user', 'create', 'ada', '--admin');
  const { key } = await beside.json<{ key: string }>('key', 'generate', 'ada');
  for (const path of [
    '/openai/v1/chat/completions',
    '/ollama/api/chat',
    '/ollama/v1/chat',
    '/ollama/api/generate',
    '/openai/v1/embeddings',
  ]) {
    for (const body of BODIES) await beside.ask(path, { key, body });
  }
  beside.server.process.kill('SIGTERM');
  const { stdout, stderr } = await beside.server.ended;
  expect((await logLines(join(beside.cwd, 'logs'))) + stdout + stderr).not.toContain(CANARY);
});
