/** Redis servers for tests: on loopback, in a directory of their own, gone with the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './debian.js';
import { freePort } from './port.js';

export interface RedisServer {
  /** `redis://127.0.0.1:41234`; a node of the cluster. */
  url: string;
  /** Of the first node. */
  pid: number;
  /** Kills the server and removes its files. */
  stop(): Promise<void>;
  /** Kills the server as kill -9 does; what it has acknowledged is on disk. */
  kill(): Promise<void>;
  /** Starts it again after a kill, on the same port, with the same data. */
  restart(): Promise<void>;
  /** It keeps its connections, and does nothing, until the thaw. */
  freeze(): void;
  thaw(): void;
}

export interface RedisServerOptions {
  /** Three masters that share the slots. */
  cluster?: boolean;
  password?: string;
  /** More lines of its configuration, as arguments: `['--maxmemory-policy', 'allkeys-lru']`. */
  settings?: string[];
}

interface Node {
  port: number;
  /** Where the nodes of a cluster talk to each other. */
  bus: number;
  process: ChildProcess;
}

const PATIENCE = 20_000;
const MASTERS = 3;
const SLOTS = 16_384;

export async function startRedis({
  cluster,
  password,
  settings = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const binary = await findProgram({
    name: 'redis-server',
    debianPackage: 'redis-server',
    variable: 'REDIS_URL',
  });
  const directory = mkdtempSync(join(tmpdir(), 'parallama-redis-'));
  const login = password === undefined ? [] : ['--requirepass', password];
  const start = async (port: number, bus: number): Promise<Node> => {
    const name = `node-${port}`;
    const clustered = ['--cluster-enabled', 'yes', '--cluster-config-file', `${name}.conf`];
    const child = spawn(
      binary,
      [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--daemonize', 'no'],
        ...['--save', '', '--appendonly', 'yes', '--appenddirname', name, '--maxmemory-policy', 'noeviction'],
        ...(cluster ? [...clustered, '--cluster-port', String(bus)] : []),
        ...login,
        ...settings,
      ],
      { stdio: 'ignore' },
    );
    killWithThisProcess(child);
    await until(() => says(port, 'PING', password), /PONG/, child);
    return { port, bus, process: child };
  };

  const nodes: Node[] = [];
  for (let at = 0; at < (cluster ? MASTERS : 1); at += 1) {
    nodes.push(await start(await freePort(), await freePort()));
  }
  if (cluster) await form(nodes, password);
  const [first] = nodes as [Node];

  const kill = () => Promise.all(nodes.map(({ process }) => end(process))).then(() => undefined);
  return {
    url: `redis://127.0.0.1:${first.port}`,
    get pid() {
      return first.process.pid!;
    },
    kill,
    async restart() {
      await kill();
      for (const node of nodes) node.process = (await start(node.port, node.bus)).process;
    },
    freeze: () => signal(nodes, 'SIGSTOP'),
    thaw: () => signal(nodes, 'SIGCONT'),
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs one command and gives the reply as the server writes it: `+PONG`. */
export async function says(port: number, command: string, password?: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error('Redis does not answer.')));
  socket.write(`${password === undefined ? '' : `AUTH ${password}\r\n`}${command}\r\nQUIT\r\n`);
  return text(socket);
}

async function form(nodes: Node[], password?: string): Promise<void> {
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [at, { port }] of nodes.entries()) {
    const last = Math.min((at + 1) * share, SLOTS) - 1;
    await says(port, `CLUSTER SET-CONFIG-EPOCH ${at + 1}`, password);
    await says(port, `CLUSTER ADDSLOTSRANGE ${at * share} ${last}`, password);
  }
  const [first, ...others] = nodes as [Node, ...Node[]];
  for (const { port } of others) {
    await says(port, `CLUSTER MEET 127.0.0.1 ${first.port} ${first.bus}`, password);
  }
  for (const { port, process } of nodes) {
    const ready = new RegExp(`cluster_state:ok[^]*cluster_known_nodes:${nodes.length}`);
    await until(() => says(port, 'CLUSTER INFO', password), ready, process);
  }
}

async function until(ask: () => Promise<string>, expected: RegExp, process: ChildProcess): Promise<void> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask().catch(String);
    if (expected.test(answer)) return;
    if (process.exitCode !== null) throw new Error(`redis-server ended with code ${process.exitCode}.`);
    if (performance.now() > end) throw new Error(`redis-server is not ready: ${answer}`);
    await sleep(20);
  }
}

function signal(nodes: Node[], name: NodeJS.Signals): void {
  for (const { process } of nodes) process.kill(name);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Tests that fail or are cut short leave no server behind. */
function killWithThisProcess(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
