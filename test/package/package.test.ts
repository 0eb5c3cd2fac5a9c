/** The packed package, installed into projects of its users. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type Packed, pack } from '../support/packed.js';

const run = promisify(execFile);
const FRAMEWORKS = ['express', 'koa', 'fastify'];
const SUBPATHS = Object.keys(manifest.exports).filter((path) => path !== './package.json');

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
});
afterAll(() => packed.remove());

async function project(files: Record<string, string>, packages: string[] = []): Promise<string> {
  const directory = await packed.project({ packages });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

async function node(directory: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, args, { cwd: directory });
  expect(stderr).toBe('');
  return stdout;
}

test('holds what is needed and nothing else', () => {
  const places = new Set(packed.files.map((path) => (path.includes('/') ? path.split('/')[0] : path)));
  expect([...places].sort()).toEqual(expect.arrayContaining(['LICENSE', 'bin', 'dist', 'package.json']));
  for (const place of places)
    expect(['LICENSE', 'README.md', 'bin', 'dist', 'package.json', 'sbom.json']).toContain(place);
  for (const path of packed.files) expect(path).not.toMatch(/\.ts$(?<!\.d\.ts)|\.test\.|\.map$|recordings/);
  expect(packed.size).toBeLessThan(3_000_000);
});

test('every subpath can be imported and required, and gives the same names', async () => {
  const directory = await project({
    'esm.mjs': `const names = {};
      for (const path of process.argv.slice(2)) names[path] = Object.keys(await import(path)).sort();
      console.log(JSON.stringify(names));`,
    'cjs.cjs': `const names = {};
      for (const path of process.argv.slice(2)) names[path] = Object.keys(require(path)).sort();
      console.log(JSON.stringify(names));`,
  });
  const paths = SUBPATHS.map((path) => path.replace('.', 'parallama'));
  const esm = JSON.parse(await node(directory, 'esm.mjs', ...paths)) as Record<string, string[]>;
  const cjs = JSON.parse(await node(directory, 'cjs.cjs', ...paths)) as Record<string, string[]>;
  for (const path of paths) {
    expect(esm[path]?.length, path).toBeGreaterThan(0);
    expect(
      cjs[path]?.filter((name) => name !== '__esModule'),
      path,
    ).toEqual(esm[path]);
  }
});

test('the client is there for require() as the guide has it', async () => {
  const directory = await project({
    'app.cjs': `const { ParallamaClient } = require('parallama');
      const client = new ParallamaClient({ baseUrl: 'http://server:8000', apiKey: 'k', gateway: 'ollama' });
      console.log(typeof client.generate, typeof client.chat.completions.create);`,
  });
  expect(await node(directory, 'app.cjs')).toBe('function function\n');
});

const SERVER = `
  const gateway = await createGateway({ store: 'memory:', config: { logging: { level: 'silent', directory: './logs' } } });
  const answer = await gateway.handle({ method: 'GET', url: '/openai/v1/models', headers: {} });
  console.log(answer.status, await gateway.handle({ method: 'GET', url: '/other', headers: {} }));
  await gateway.close();`;

test('a gateway works from both module systems', async () => {
  const directory = await project({
    'app.mjs': `import { createGateway } from 'parallama';${SERVER}`,
    'app.cjs': `const { createGateway } = require('parallama');(async () => {${SERVER}})();`,
  });
  expect(await node(directory, 'app.mjs')).toBe('401 null\n');
  expect(await node(directory, 'app.cjs')).toBe('401 null\n');
});

/** What requiring these paths asks for, directly or not, beside Node's own modules and the package's files. */
async function loadedBy(paths: string[]): Promise<string[]> {
  const directory = await project({
    'main.cjs': `const seen = [];
      const { Module, isBuiltin } = require('node:module');
      const load = Module._load;
      Module._load = (request, ...rest) => (seen.push(request), load(request, ...rest));
      for (const path of process.argv.slice(2)) require(path);
      console.log(JSON.stringify(seen.filter((name) => !isBuiltin(name) && !name.startsWith('.'))));`,
  });
  return JSON.parse(await node(directory, 'main.cjs', ...paths)) as string[];
}

test('importing parallama, or an adapter, loads no framework', async () => {
  const loaded = await loadedBy(['parallama', ...FRAMEWORKS.map((name) => `parallama/${name}`)]);
  expect(loaded).toContain('undici');
  const optional = [...FRAMEWORKS, 'fastify-plugin', 'keyv', 'pg', '@keyv/redis', '@keyv/postgres', 'sade'];
  expect(loaded.filter((name) => optional.includes(name))).toEqual([]);
});

test('the client, the translators and the simulator load no dependency at all', async () => {
  const paths = ['parallama/client', 'parallama/translate', 'parallama/testing'];
  expect(await loadedBy(paths)).toEqual(paths);
});

describe('TypeScript', () => {
  const APP = `
import express from 'express';
import Fastify from 'fastify';
import Koa from 'koa';
import { createGateway, GatewayError, ParallamaClient, type BeforeForward, type GatewayEvents } from 'parallama';
import * as forExpress from 'parallama/express';
import * as forFastify from 'parallama/fastify';
import * as forKoa from 'parallama/koa';
import { serve } from 'parallama/server';
import { startSimulator } from 'parallama/testing';
import { readChatCompletion } from 'parallama/translate';

const beforeForward: BeforeForward = ({ identity, request }) => {
  if (identity.role === 'guest') throw new GatewayError('forbidden');
  request.options = { ...request.options, num_ctx: 1024 };
};

export async function main(): Promise<void> {
  const gateway = await createGateway({
    store: 'memory:',
    authenticate: ({ headers }) => (headers['x-user'] ? { id: String(headers['x-user']), role: 'basic' } : undefined),
    beforeForward,
  });
  const off = gateway.on('usage', (event) => console.log(event.promptTokens + event.completionTokens));
  gateway.on('error', ({ error, status }: GatewayEvents['error']) => console.log(error.kind, status));
  // @ts-expect-error there is no such event
  gateway.on('used', () => {});
  await gateway.limits.set('ann', 'openai', { token_limit_daily: null });
  // @ts-expect-error there is no such limit
  await gateway.limits.set('ann', 'openai', { token_limit_weekly: 1 });
  const usage = await gateway.usage.current({ id: 'ann', role: 'basic' });
  console.log(usage.gateways.openai?.today.remaining_tokens ?? 'unlimited');
  for await (const row of gateway.usage.report({ from: new Date(0), to: new Date(), by: 'day' })) console.log(row.at);
  off();

  express().use('/ai', forExpress.parallama(gateway));
  new Koa().use(forKoa.parallama(gateway, { prefix: '/ai' }));
  await Fastify().register(forFastify.parallama, { gateway, prefix: '/ai' });
  const server = await serve(gateway, { port: 0 });
  const client = new ParallamaClient({ baseUrl: server.url, apiKey: 'k', gateway: 'openai' });
  const reply = await client.chat({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hi' }] });
  console.log(reply.choices[0]?.message.content);
  const simulator = await startSimulator({ pace: 1 });
  console.log(simulator.url, readChatCompletion({}).endpoint);
}
`;
  const options = (more: object) =>
    JSON.stringify({
      compilerOptions: {
        strict: true,
        target: 'ES2023',
        noEmit: true,
        types: ['node'],
        esModuleInterop: true,
        ...more,
      },
      files: ['app.ts'],
    });

  test.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('moduleResolution %s', async (_, resolution) => {
    const types = ['express', 'koa', 'node'].map((name) => `@types/${name}`);
    const directory = await project(
      {
        'app.ts': APP,
        'package.json': '{"type": "module"}',
        'tsconfig.json': options({ ...resolution, skipLibCheck: true }),
      },
      ['express', 'koa', 'fastify', ...types],
    );
    const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', directory]).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  });
});

test.each(FRAMEWORKS)('the adapter for %s only renames: below 60 lines', async (name) => {
  const text = await readFile(new URL(`../../src/adapters/${name}.ts`, import.meta.url), 'utf8');
  expect(text.split('\n').length).toBeLessThan(60);
});

test('an app that bundles one thing gets one thing', async () => {
  const { build } = await import('esbuild');
  const directory = await project({ 'app.mjs': `export { ParallamaClient } from 'parallama/client';` });
  const { outputFiles } = await build({
    entryPoints: [join(directory, 'app.mjs')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    write: false,
  });
  expect(outputFiles[0]?.contents.length).toBeLessThan(12_000);
});
