/**
 * Keeps what is learned of models in the store: a restart knows it, and so do other processes. One row for each model,
 * written when there is something new, a few times a minute at most.
 */
import { createHash } from 'node:crypto';
import { repeat } from '../limits/repeat.js';
import { type Records, StoreUnavailable } from '../store/port.js';
import type { Estimator } from './estimate.js';
import type { Kept } from './learned.js';

const EVERY_MS = 30_000;
/** A model that nobody asks for is forgotten. */
const LIFETIME_MS = 90 * 86_400_000;
/** Voices in a row: those that were heard last. */
const VOICES = 64;
const PAGE = 100;
/** Attempts at a row that another process writes at the same time; what is left is written the next time. */
const ATTEMPTS = 3;

interface Stored extends Kept {
  model: string;
}

export interface KeepOptions {
  store: Pick<Records, 'get' | 'create' | 'update' | 'list'>;
  estimator: Pick<Estimator, 'news' | 'recall'>;
  onTrouble(error: unknown): void;
  now?: () => number;
}

export interface KeptLearned {
  /** Reads all rows. @throws StoreUnavailable */
  load(): Promise<void>;
  /** Writes what is new, and stops. */
  close(): Promise<void>;
}

export function keepLearned({ store, estimator, onTrouble, now = Date.now }: KeepOptions): KeptLearned {
  /** What could not be written yet. */
  const pending = new Map<string, Kept>();

  async function load(): Promise<void> {
    for (let after: string | undefined; ; ) {
      const rows = await store.list<Stored>('models', { after, limit: PAGE });
      for (const { value } of rows) estimator.recall(value.model, value);
      if (rows.length < PAGE) return;
      after = rows.at(-1)?.id;
    }
  }

  async function write(model: string, news: Kept): Promise<boolean> {
    const id = createHash('sha256').update(model).digest('hex').slice(0, 32);
    const options = { expiresAt: now() + LIFETIME_MS };
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const row = await store.get<Stored>('models', id);
      const value: Stored = { model, ...merged(row?.value, news) };
      const done = row
        ? await store.update('models', id, row.version, value, options)
        : await store.create('models', id, value, options);
      if (done) return true;
    }
    return false;
  }

  async function sync(): Promise<void> {
    for (const [model, news] of estimator.news()) pending.set(model, merged(pending.get(model), news));
    for (const [model, news] of [...pending]) if (await write(model, news)) pending.delete(model);
    await load();
  }

  const attempt = () =>
    sync().catch((error: unknown) => {
      // Requests that need the store report that it is unavailable.
      if (!(error instanceof StoreUnavailable)) onTrouble(error);
    });
  const stop = repeat(attempt, EVERY_MS, onTrouble);

  return {
    load,
    async close() {
      await stop();
      await attempt();
    },
  };
}

function merged(before: Kept | undefined, news: Kept): Kept {
  if (!before) return news;
  const voices = Object.entries({ ...before.voices, ...news.voices })
    .sort(([, one], [, other]) => other.at - one.at)
    .slice(0, VOICES);
  const frame =
    news.frame[0] > before.frame[0] || news.frame[1] > before.frame[1] ? news.frame : before.frame;
  return { voices: Object.fromEntries(voices), frame };
}
