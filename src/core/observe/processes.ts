/**
 * The processes that serve on one store know of each other: each keeps a row there with its traffic, renewed while it
 * lives. `/status` and the command line sum over them; a process that died is gone when its row has expired.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { GATEWAYS, type GatewayName } from '../contract.js';
import { type Records, StoreUnavailable } from '../store/port.js';
import type { ModelActivity } from '../upstream/healing.js';
import { meanTraffic, type RecentTraffic, type Traffic, type TrafficSum } from './traffic.js';

export interface RunningProcess {
  host: string;
  pid: number;
  /** ISO 8601, UTC. */
  started: string;
  version: string;
  /** Of the last minute. */
  traffic: Record<GatewayName, TrafficSum>;
  /** By the upstream's names. An older version's row has none. */
  models?: Record<string, ModelActivity>;
}

export interface Presence {
  /** The last minute of all processes on the store; of this one alone while the store is away. */
  traffic(): Promise<Record<GatewayName, RecentTraffic>>;
  /** What the other processes on the store see of the upstream's models; nothing while the store is away. */
  modelsElsewhere(): Promise<Record<string, ModelActivity>[]>;
  /** Takes the row back. */
  close(): Promise<void>;
}

/** Milliseconds. Renewed often enough to miss several times under load. */
const LIFETIME = 15_000;
const RENEW_EVERY = 2_000;
/** Status is asked often and by many: what others do is looked up this often at most. */
const LOOK_EVERY = 1_000;
const PAGE = 200;

/** All that live, in the order of their ids. @throws StoreUnavailable */
export async function runningProcesses(store: Pick<Records, 'list'>): Promise<RunningProcess[]> {
  return [...(await read(store)).values()];
}

/** The last minute of several processes as one. */
export function sumTraffic(processes: RunningProcess[]): Record<GatewayName, RecentTraffic> {
  const sum = (gateway: GatewayName) =>
    meanTraffic(
      processes
        .map(({ traffic }) => traffic[gateway])
        .reduce(
          (a, b) => ({ requests: a.requests + b.requests, milliseconds: a.milliseconds + b.milliseconds }),
          { requests: 0, milliseconds: 0 },
        ),
    );
  return { ollama: sum('ollama'), openai: sum('openai') };
}

/** Announces this process until it is closed. */
export function announceProcess({
  store,
  traffic,
  models = () => ({}),
  version,
  onTrouble,
}: {
  store: Pick<Records, 'create' | 'update' | 'delete' | 'get' | 'list'>;
  traffic: Pick<Traffic, 'sum'>;
  models?(): Record<string, ModelActivity>;
  version: string;
  onTrouble(error: unknown): void;
}): Presence {
  const id = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const started = new Date().toISOString();
  let closed = false;
  let looked: { at: number; others: Promise<Map<string, RunningProcess>> } | undefined;
  let writing: Promise<void> | undefined;

  function self(): RunningProcess {
    const [ollama, openai] = GATEWAYS.map((gateway) => traffic.sum(gateway));
    return {
      host: hostname(),
      pid: process.pid,
      started,
      version,
      traffic: { ollama: ollama!, openai: openai! },
      models: models(),
    };
  }

  async function write(): Promise<void> {
    const options = { expiresAt: Date.now() + LIFETIME };
    const row = await store.get('processes', id);
    if (closed) return;
    if (row) await store.update('processes', id, row.version, self(), options);
    else await store.create('processes', id, self(), options);
  }

  function renew(): void {
    writing ??= write()
      .catch((error: unknown) => {
        // Requests that need the store report that it is unavailable.
        if (!(error instanceof StoreUnavailable)) onTrouble(error);
      })
      .finally(() => {
        writing = undefined;
      });
  }

  function others(): Promise<Map<string, RunningProcess>> {
    const at = performance.now();
    if (!looked || at - looked.at > LOOK_EVERY) {
      looked = { at, others: read(store).catch(() => new Map()) };
    }
    return looked.others;
  }

  renew();
  const timer = setInterval(renew, RENEW_EVERY);
  timer.unref();

  return {
    async traffic() {
      const all = new Map(await others());
      // Its own row is a moment old.
      all.set(id, self());
      return sumTraffic([...all.values()]);
    },
    async modelsElsewhere() {
      const all = await others();
      return [...all].filter(([other]) => other !== id).map(([, process]) => process.models ?? {});
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await writing;
      await store.delete('processes', id).catch(() => false);
    },
  };
}

async function read(store: Pick<Records, 'list'>): Promise<Map<string, RunningProcess>> {
  const found = new Map<string, RunningProcess>();
  for (let after: string | undefined; ; ) {
    const rows = await store.list<RunningProcess>('processes', { after, limit: PAGE });
    for (const { id, value } of rows) found.set(id, value);
    if (rows.length < PAGE) return found;
    after = rows.at(-1)?.id;
  }
}
