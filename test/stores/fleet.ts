/** Gateways as real processes on one store, in front of a simulated Ollama. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, openAdmin } from '../../src/core/admin.js';
import type { LimitOverrides } from '../../src/core/limits/types.js';
import type { Counter, UsageRow } from '../../src/core/store/port.js';
import { verifyUsage } from '../../src/core/usage/verify.js';
import { type Simulator, startSimulator } from '../../src/testing/index.js';
import { type ServerOptions, type ServerProcess, startServer } from '../support/server-process.js';
import { type Place, startPlace } from './places.js';

export interface Member {
  id: string;
  username: string;
  key: string;
}

export interface Gateways {
  place: Place;
  servers: ServerProcess[];
  admin: Admin;
  config: string;
  /** Where usage waits that the store could not take. */
  journal: string;
  /** The directory of all logs. */
  logs: string;
  /** Starts one more. */
  start(options?: ServerOptions): Promise<ServerProcess>;
  /** The limits hold on the `openai` gateway. */
  member(name: string, limits?: NonNullable<LimitOverrides['openai']>): Promise<Member>;
  /** Of the day: requests and tokens on the `openai` gateway. */
  counters(user: Member): Promise<{ requests: Counter; tokens: Counter }>;
  /** All that the history has of a user, added up. */
  history(user: Member): Promise<{ requests: number; tokens: number; errors: number }>;
  /** Counters that are not what the history adds up to. */
  differences(): Promise<unknown[]>;
  stop(): Promise<void>;
}

export interface Fleet extends Gateways {
  simulator: Simulator;
}

export interface FleetOptions {
  place: Place;
  gateways: number;
  /** Names of the `openai` gateway for `llama2`, beside `gpt-4`. */
  names?: string[];
}

const EVER = { from: '2000-01-01T00', to: '2999-01-01T00', by: 'day' } as const;

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const simulator = await startSimulator();
  const gateways = await startGateways({ ...options, upstream: simulator.port });
  return {
    ...gateways,
    simulator,
    async stop() {
      await gateways.stop();
      await simulator.close();
    },
  };
}

/** @param options.upstream the port of what stands in for Ollama */
export async function startGateways({
  place,
  gateways,
  names = [],
  upstream,
}: FleetOptions & { upstream: number }): Promise<Gateways> {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-fleet-'));
  const journal = join(directory, 'journal');
  const logs = join(directory, 'log');
  const mappings = Object.fromEntries(['gpt-4', ...names].map((name) => [name, 'llama2']));
  const config = join(directory, 'config.yaml');
  await writeFile(
    config,
    `api_gateways:
  ollama: { host: http://127.0.0.1, port: ${upstream}, default_model: llama2 }
  openai: { model_mappings: ${JSON.stringify(mappings)} }
store: { url: ${JSON.stringify(place.url)}, journal_directory: ${journal} }
logging: { directory: ${logs} }
auth: { jwt_secret_file: ${join(directory, 'secret')}, password_hashing: { memory_kib: 1024, iterations: 1 } }
limits: { roles: { free: {} } }
`,
  );
  const start = (options?: ServerOptions) => startServer(config, options);
  // The first makes what the others share.
  const servers = gateways === 0 ? [] : [await start()];
  servers.push(...(await Promise.all(Array.from({ length: Math.max(0, gateways - 1) }, () => start()))));
  const admin = await openAdmin({ config });

  return {
    place,
    servers,
    admin,
    config,
    journal,
    logs,
    start,
    async member(username, limits) {
      const user = await admin.users.create({
        username,
        password: 'a-good-password',
        role: 'free',
        limits: limits && { openai: limits },
      });
      return { id: user.id, username, key: (await admin.keys.generate(user)).key };
    },
    async counters({ id }) {
      const day = new Date().toISOString().slice(0, 10);
      const keys = ['requests', 'tokens'].map((counts) => `openai:${counts}:day:${day}`);
      const [requests, tokens] = await admin.store.counters(id, keys);
      return { requests: requests!, tokens: tokens! };
    },
    async history({ id }) {
      const rows: UsageRow[] = [];
      for await (const row of admin.store.usage({ ...EVER, subject: id })) rows.push(row);
      const sum = (of: (row: UsageRow) => number) => rows.reduce((all, row) => all + of(row), 0);
      return {
        requests: sum(({ requests }) => requests),
        tokens: sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
        errors: sum(({ errors }) => errors),
      };
    },
    differences: async () => (await verifyUsage(admin.store)).differences,
    async stop() {
      for (const server of servers) server.kill('SIGKILL');
      await Promise.all(servers.map(({ exited }) => exited));
      await admin.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A store of the kind, and gateways on it. */
export async function startFleetOn(kind: Place['kind'], gateways: number): Promise<Fleet> {
  return startFleet({ place: await startPlace(kind), gateways });
}
