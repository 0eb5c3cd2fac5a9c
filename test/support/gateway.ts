/** A gateway in front of a simulated Ollama, over real sockets. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, serve } from '../../src/adapters/server.js';
import type { ConfigInput } from '../../src/core/config.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/core/gateway.js';
import { openStore } from '../../src/core/store/open.js';
import type { Store, UsageRow } from '../../src/core/store/port.js';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { REAL_OLLAMA, STAND_INS } from './upstream.js';

export interface Rig {
  url: string;
  gateway: Gateway;
  server: RunningServer;
  /** What is behind the gateway; idle where a real Ollama is. */
  simulator: Simulator;
  store: Store;
  /** Lines of all logs. */
  log: Record<string, unknown>[];
  /** A new user of the role, and a key of its own. */
  user(role?: string, username?: string): Promise<{ id: string; username: string; key: string }>;
  /** The whole history of a user. */
  history(userId: string): Promise<UsageRow[]>;
  close(): Promise<void>;
}

export interface RigOptions {
  /** Merged over what the rig needs, section by section. */
  config?: ConfigInput;
  /** In memory where absent. */
  store?: string | Store;
  authenticate?: GatewayOptions['authenticate'];
  accounts?: boolean;
  beforeForward?: GatewayOptions['beforeForward'];
  simulator?: Parameters<typeof startSimulator>[0];
}

const MAPPINGS = { 'gpt-3.5-turbo': 'llama2', 'gpt-4': 'llama2:70b', ...STAND_INS };

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-test-'));
  const simulator = await startSimulator(options.simulator);
  const upstream = new URL(REAL_OLLAMA ?? simulator.url);
  const store = await openStore(options.store ?? 'memory:');
  const log: Record<string, unknown>[] = [];
  const extra = options.config ?? {};
  const gateway = await createGateway({
    store,
    authenticate: options.authenticate,
    accounts: options.accounts,
    beforeForward: options.beforeForward,
    logger: collectingLogger(log),
    config: {
      ...extra,
      api_gateways: {
        ...extra.api_gateways,
        ollama: {
          host: `${upstream.protocol}//${upstream.hostname}`,
          port: Number(upstream.port) || (upstream.protocol === 'https:' ? 443 : 80),
          default_model: 'llama2',
          ...(REAL_OLLAMA && { model_mappings: STAND_INS }),
          ...extra.api_gateways?.ollama,
        },
        openai: { model_mappings: MAPPINGS, ...extra.api_gateways?.openai },
      },
      store: { journal_directory: directory, ...extra.store },
      auth: { password_hashing: { memory_kib: 1_024, iterations: 1, parallelism: 1 }, ...extra.auth },
    },
  });
  const server = await serve(gateway, { host: '127.0.0.1', port: 0 });
  let users = 0;

  return {
    url: server.url,
    gateway,
    server,
    simulator,
    store,
    log,
    async user(role = 'premium', username = `user-${users + 1}`) {
      users += 1;
      const user = await gateway.users.create({ username, password: 'a-good-password', role });
      return { ...user, key: (await gateway.keys.generate(user)).key };
    },
    async history(userId) {
      const rows: UsageRow[] = [];
      const query = { subject: userId, from: '2000-01-01T00', to: '2999-01-01T00', by: 'hour' } as const;
      for await (const row of store.usage(query)) rows.push(row);
      return rows;
    },
    async close() {
      await server.close();
      await simulator.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function collectingLogger(lines: Record<string, unknown>[]): NonNullable<GatewayOptions['logger']> {
  const logger = (bindings: object): NonNullable<GatewayOptions['logger']> => {
    const write = (level: string) => (fields: object, msg?: string) =>
      void lines.push({ level, ...bindings, ...fields, msg });
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => logger({ ...bindings, ...more }),
    };
  };
  return logger({});
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
  /** Undefined where the answer is no JSON. */
  json: unknown;
}

export interface SendOptions {
  method?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** One request with the path exactly as written: no client tidies `..` or `%70` away. */
export async function send(url: string, path: string, options: SendOptions = {}): Promise<Reply> {
  const { key, body, method = body === undefined ? 'GET' : 'POST' } = options;
  const { hostname, port } = new URL(url);
  const headers: Record<string, string> = { ...options.headers };
  if (key) headers.authorization = `Bearer ${key}`;
  const req = httpRequest({ hostname, port, path, method, headers, agent: false });
  req.end(
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  );
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of res) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: res.statusCode ?? 0, headers: res.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Waits until `check` gives something, looking every few milliseconds. */
export async function until<T>(check: () => T | undefined | false, milliseconds = 5_000): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const value = check();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`did not come about within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
