/** Every JavaScript block of the documentation is run. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Rig, send, startRig } from '../support/gateway.js';
import { type Packed, pack } from '../support/packed.js';
import { KINDS, type Snippet, snippets } from './snippets.js';

const run = promisify(execFile);
const FIXTURES = join(import.meta.dirname, 'fixtures');
const PACKAGES = ['express', 'fastify', 'koa', 'openai'];

let packed: Packed;
let rig: Rig;
let project: string;
let running: ChildProcess | undefined;
beforeAll(async () => {
  [packed, rig] = await Promise.all([pack(), startRig()]);
  project = await packed.project({ packages: PACKAGES });
  const next = join(project, 'node_modules/next');
  await mkdir(next);
  await writeFile(join(next, 'package.json'), '{"name": "next", "type": "module", "main": "index.js"}');
  await copyFile(join(FIXTURES, 'next.mjs'), join(next, 'index.js'));
});
afterEach(() => {
  running?.kill('SIGKILL');
});
afterAll(async () => {
  await rig.close();
  await packed.remove();
});

/** A directory as the reader of a page has it: packages, a configuration, and a certificate. */
async function workplace(): Promise<string> {
  const directory = await mkdtemp(join(project, 'snippet-'));
  const config = `api_gateways: { ollama: { host: "http://127.0.0.1", port: ${rig.simulator.port} } }
auth: { password_hashing: { memory_kib: 1024, iterations: 1 } }
logging: { directory: ./logs }
`;
  await writeFile(join(directory, 'parallama.yaml'), config);
  for (const file of ['server.key', 'server.crt']) await symlink(join(FIXTURES, file), join(directory, file));
  return directory;
}

interface Ended {
  /** Where it listens, or that it has come to its end. */
  port?: number;
  output: string;
}

async function start(file: string, code: string, env: Record<string, string> = {}): Promise<Ended> {
  const directory = await workplace();
  await writeFile(join(directory, file), code);
  const child = fork(join(directory, file), {
    cwd: directory,
    silent: true,
    env: { ...process.env, ...env },
    execArgv: ['--import', join(FIXTURES, 'loopback.mjs')],
  });
  running = child;
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
  }
  const wholePart = code.endsWith("process.send('done');\n");
  const port = await new Promise<number | undefined>((resolve, reject) => {
    child.on('message', (message: { port: number } | 'done') => {
      if (message === 'done') resolve(undefined);
      else if (!wholePart) resolve(message.port);
    });
    child.once('exit', (status) => {
      if (status === 0 && !wholePart) resolve(undefined);
      else reject(new Error(`It ended with ${status}.\n${output}`));
    });
  });
  return { port, output };
}

/** Under one of the paths that the pages use, the gateway asks for a key; the app answers the rest. */
async function check(port: number, encrypted: boolean): Promise<void> {
  const ask = (path: string) => (encrypted ? statusOverTls(port, path) : statusOf(port, path));
  const prefixes = ['', '/ai', '/staff'];
  const found = await Promise.all(prefixes.map((prefix) => ask(`${prefix}/openai/v1/models`)));
  expect(found).toContain(401);
  expect([200, 404]).toContain(await ask('/'));
}

const statusOf = async (port: number, path: string) => (await send(`http://127.0.0.1:${port}`, path)).status;

async function statusOverTls(port: number, path: string): Promise<number> {
  const ca = await readFile(join(FIXTURES, 'server.crt'));
  const req = httpsRequest({ host: '127.0.0.1', servername: 'localhost', port, path, ca, agent: false });
  req.end();
  const [res] = await once(req, 'response');
  res.resume();
  return res.statusCode;
}

/** Waits until a running snippet has ended by itself after SIGTERM, where it says that it does. */
async function stop(code: string): Promise<void> {
  if (!code.includes("'SIGTERM'")) return;
  const ended = once(running!, 'exit');
  running!.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

async function runSnippet({ kind, code }: Snippet): Promise<void> {
  if (kind === 'test') {
    const directory = await workplace();
    await writeFile(join(directory, 'snippet.test.mjs'), code);
    const { stdout } = await run(process.execPath, ['--test'], { cwd: directory });
    expect(stdout).toMatch(/^. fail 0$/m);
    expect(stdout).toMatch(/^. pass [1-9]/m);
    return;
  }
  if (kind === 'client') {
    const { key } = await rig.user();
    const here = code.replaceAll('http://127.0.0.1:8000', rig.url).replaceAll('http://server:port', rig.url);
    const { output } = await start('snippet.mjs', here, { PARALLAMA_KEY: key });
    expect(output).not.toBe('');
    return;
  }
  const { port } = await start(kind === 'commonjs' ? 'snippet.cjs' : 'snippet.mjs', code);
  if (port === undefined) return;
  await check(port, code.includes("from 'node:https'"));
  await stop(code);
}

const all = snippets();

test('each block says how it is run', () => {
  expect(all.length).toBeGreaterThan(15);
  expect(all.filter(({ kind }) => !KINDS.some((known) => known === kind))).toEqual([]);
});

test.each(all.map((snippet) => [snippet.place, snippet] as const))('%s', async (_, snippet) => {
  await runSnippet(snippet);
});
