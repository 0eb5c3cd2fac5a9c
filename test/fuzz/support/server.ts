/** The server as a process of its own, so that it can crash and hang, and what it must have counted. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { openAdmin } from '../../../src/core/admin.js';
import { GATEWAYS } from '../../../src/core/contract.js';
import { claimKey, meaningsAt } from '../../../src/core/limits/claims.js';
import { UNLIMITED } from '../../../src/core/limits/types.js';
import { verifyUsage } from '../../../src/core/usage/verify.js';
import {
  DEFAULT_MODELS,
  type SimulatedRequest,
  type Simulator,
  startSimulator,
} from '../../../src/testing/index.js';
import { type Reply, type SendOptions, send } from '../../support/gateway.js';
import { startServer, writeConfig } from '../../support/server-process.js';

/** Milliseconds in which the smallest machine answers anything that is sent here. */
const DEADLINE = 20_000;

export interface Used {
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

export interface Account {
  id: string;
  username: string;
  key: string;
}

/** One answer, and what it has cost. */
export interface Trial {
  reply: Reply;
  /** What reached the upstream meanwhile. */
  sent: SimulatedRequest[];
  used: Used;
}

export interface Target {
  /** May do everything, and has no limits. */
  admin: Account;
  /** Has limits that are never reached. */
  member: Account;
  simulator: Simulator;
  /** Its address, which no answer may name. */
  upstream: string;
  ask(account: Account, path: string, options: SendOptions): Promise<Trial>;
  /** What can be said when all is done. */
  close(): Promise<void>;
}

const EVER = { from: '2000-01-01T00', to: '2999-01-01T00', by: 'day' } as const;
const PLENTY =
  '{ token_limit_daily: 1000000000, token_limit_hourly: 900000000, request_limit_daily: 100000000, request_limit_hourly: 90000000 }';

export async function startTarget(): Promise<Target> {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-fuzz-'));
  const simulator = await startSimulator();
  const config = await writeConfig(
    directory,
    simulator.port,
    `server: { trust_proxy: true }
limits: { roles: { premium: { ollama: ${PLENTY}, openai: ${PLENTY} } } }
`,
  );
  const server = await startServer(config);
  const admin = await openAdmin({ config });
  let broken = '';

  async function account(username: string, role: string): Promise<Account> {
    const user = await admin.users.create({ username, password: 'a-good-password', role });
    return { ...user, key: (await admin.keys.generate(user)).key };
  }

  async function usedBy({ id }: Account): Promise<Used> {
    const used = { requests: 0, promptTokens: 0, completionTokens: 0 };
    for await (const row of admin.store.usage({ ...EVER, subject: id })) {
      used.requests += row.requests;
      used.promptTokens += row.promptTokens;
      used.completionTokens += row.completionTokens;
    }
    return used;
  }

  async function expectNothingHeld({ id }: Account): Promise<void> {
    const keys = GATEWAYS.flatMap((gateway) =>
      meaningsAt(Date.now(), UNLIMITED).map((meaning) => claimKey(gateway, meaning)),
    );
    const counters = await admin.store.counters(id, keys);
    expect(counters.map(({ held }) => held)).toEqual(counters.map(() => 0));
  }

  /** One that crashed or hangs answers nothing more: smaller examples would be looked for in vain. */
  async function answer(path: string, options: SendOptions): Promise<Reply> {
    fc.pre(broken === '');
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${DEADLINE} ms`)), DEADLINE);
    });
    const end = server.exited.then((code) => Promise.reject(new Error(`the server ended with ${code}`)));
    try {
      return await Promise.race([send(server.url, path, options), silence, end]);
    } catch (error) {
      broken = String(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  function restoreModels(): void {
    for (const { name } of simulator.models.list()) {
      if (!DEFAULT_MODELS.some((model) => model.name === name)) simulator.models.remove(name);
    }
    const left = simulator.models.list().map(({ name }) => name);
    for (const model of DEFAULT_MODELS) if (!left.includes(model.name)) simulator.models.add(model);
  }

  const accounts = { admin: await account('root', 'admin'), member: await account('member', 'premium') };

  return {
    ...accounts,
    simulator,
    upstream: `127.0.0.1:${simulator.port}`,

    async ask(user, path, options) {
      const before = await usedBy(user);
      simulator.requests.length = 0;
      const reply = await answer(path, { key: user.key, ...options });
      const after = await usedBy(user);
      await expectNothingHeld(user);
      restoreModels();
      return {
        reply,
        sent: [...simulator.requests],
        used: {
          requests: after.requests - before.requests,
          promptTokens: after.promptTokens - before.promptTokens,
          completionTokens: after.completionTokens - before.completionTokens,
        },
      };
    },

    async close() {
      server.kill('SIGTERM');
      const code = await server.exited;
      const { differences } = await verifyUsage(admin.store);
      const log = join(directory, 'log/error.log');
      const bugs = existsSync(log) ? readFileSync(log, 'utf8') : '';
      await admin.close();
      await simulator.close();
      await rm(directory, { recursive: true, force: true });
      expect(broken).toBe('');
      expect(code).toBe(0);
      expect(differences).toEqual([]);
      expect(bugs).not.toContain('"bug"');
    },
  };
}
