/** PostgreSQL servers for tests: on loopback, in a directory of their own, gone with the tests. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { findProgram } from './debian.js';
import { freePort } from './port.js';

export interface PostgresServer {
  /** `postgres://parallama:…@127.0.0.1:41234/postgres`, of a superuser. */
  url: string;
  password: string;
  pid: number;
  /** Kills the server and removes its files. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would; what it has acknowledged is on disk. */
  kill(): Promise<void>;
  /** Starts it again after a kill, on the same port, with the same data. */
  restart(): Promise<void>;
  /** It keeps its connections, and does nothing, until the thaw. */
  freeze(): void;
  thaw(): void;
}

type Owner = { uid: number; gid: number } | undefined;

const PATIENCE = 20_000;
const PLACES = ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql*/bin'];
/** Nothing here outlives the machine; but what a killed server has acknowledged is kept. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'shared_buffers=32MB', 'max_connections=100'];

/** @param settings more lines of its configuration: `log_min_messages=warning` */
export async function startPostgres({ settings = [] as string[] } = {}): Promise<PostgresServer> {
  const find = (name: string) => {
    return findProgram({ name, debianPackage: 'postgresql', places: PLACES, variable: 'POSTGRES_URL' });
  };
  const initdb = await find('initdb');
  const binary = await find('postgres');
  const owner = ownerOfData();
  const directory = mkdtempSync(join(tmpdir(), 'parallama-postgres-'));
  if (owner) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const password = `p@ss/${randomBytes(6).toString('hex')}?`;
  const secret = join(directory, 'password');
  writeFileSync(secret, password, { mode: 0o644 });
  await finished(
    spawn(
      initdb,
      [
        ...['-D', data, '-U', 'parallama', '--auth=scram-sha-256', `--pwfile=${secret}`],
        ...['--no-sync', '--locale=C', '--encoding=UTF8'],
      ],
      { ...owner, stdio: ['ignore', 'ignore', 'pipe'] },
    ),
  );
  const port = await freePort();
  const url = `postgres://parallama:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;

  const start = async (): Promise<ChildProcess> => {
    const lines = [
      ...SETTINGS,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${directory}`,
      ...settings,
    ];
    const args = ['-D', data, '-p', String(port), ...lines.flatMap((line) => ['-c', line])];
    const child = spawn(binary, args, { ...owner, cwd: directory, stdio: 'ignore' });
    killWithThisProcess(child);
    await answering(url, child);
    return child;
  };
  let server = await start();
  const kill = async () => {
    signal(server, 'SIGCONT');
    // Immediate shutdown, which takes the sessions along: after a SIGKILL they would stand in a restart's way.
    await ended(server, 'SIGQUIT');
  };

  return {
    url,
    password,
    get pid() {
      return server.pid!;
    },
    kill,
    async restart() {
      await kill();
      server = await start();
    },
    freeze: () => signal(server, 'SIGSTOP'),
    thaw: () => signal(server, 'SIGCONT'),
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * A server for the tests of the file that calls it: the one that POSTGRES_URL names, or one of their own.
 * @returns gives the URL of a schema that is not there yet, for each call another one
 */
export function usePostgres(): () => string {
  const schemas: string[] = [];
  let url = process.env.POSTGRES_URL;
  let server: PostgresServer | undefined;

  beforeAll(async () => {
    if (url) return;
    server = await startPostgres();
    url = server.url;
  });
  afterAll(async () => {
    if (server) await server.stop();
    else for (const schema of schemas) await ask(url!, `DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  });

  return () => {
    const schema = `test_${randomBytes(8).toString('hex')}`;
    schemas.push(schema);
    return `${url}${url!.includes('?') ? '&' : '?'}schema=${schema}`;
  };
}

/** Runs one statement, on a connection of its own. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: PATIENCE });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root. */
function ownerOfData(): Owner {
  if (process.getuid?.() !== 0) return undefined;
  const number = (option: string, user: string) => Number(execFileSync('id', [option, user]));
  const user = /^postgres:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'postgres' : 'nobody';
  return { uid: number('-u', user), gid: number('-g', user) };
}

async function finished(child: ChildProcess): Promise<void> {
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  if (code !== 0) throw new Error(`initdb ended with code ${code}: ${said}`);
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const failure = await ask(url, 'SELECT 1').then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (child.exitCode !== null) throw new Error(`postgres ended with code ${child.exitCode}.`);
    if (performance.now() > end) throw new Error('postgres is not ready.', { cause: failure });
    await sleep(20);
  }
}

/** To the server and its sessions, each of which is a process. */
function signal(server: ChildProcess, name: NodeJS.Signals): void {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill(name);
  for (const pid of childrenOf(server.pid!)) {
    try {
      process.kill(pid, name);
    } catch {
      // Sessions come and go.
    }
  }
}

function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  const pids = existsSync(list)
    ? readFileSync(list, 'utf8')
    : execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return pids.split(/\s+/).filter(Boolean).map(Number);
}

async function ended(child: ChildProcess, name: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(name);
  await exit;
}

/** Tests that fail or are cut short leave no server behind. */
function killWithThisProcess(child: ChildProcess): void {
  const kill = () => {
    signal(child, 'SIGCONT');
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
