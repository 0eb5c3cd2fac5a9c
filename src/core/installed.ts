/**
 * What the upstream has, as its own list says and as its answers show.
 *
 * The list is remembered. A change that is made through any gateway on the store raises the version of one row there,
 * and whoever looks at the list looks at that row first: so a model that was fetched or removed shows at once in every
 * process.
 */
import { LRUCache } from 'lru-cache';
import type { Config } from './config.js';
import { readAll } from './http/read-all.js';
import { type Records, StoreUnavailable } from './store/port.js';
import { parseChunk, upstreamError } from './translate/index.js';
import { parseModelName, shortName } from './translate/model-name.js';
import { type ListedModel, modelsIn } from './translate/tags.js';
import type { Upstream } from './upstream/client.js';

export interface Installed {
  /** What the upstream has, remembered for `discovery.cache_ttl` seconds or until it is changed through a gateway. */
  installed(): Promise<ListedModel[]>;
  /** A model came or went: the next look, in every process on the store, is a fresh one. */
  changed(): Promise<void>;
  /** Whether the upstream is known to have the model: it was listed here, or has answered. */
  has(canonical: string): boolean;
  /** The model has answered. */
  answered(canonical: string): void;
}

interface Options {
  config: Config;
  upstream: Upstream;
  store: Records;
  now?: () => number;
}

/** Beside the settings of the gateways. */
const ROW = 'installed_models';
/** Names remembered. */
const NAMES = 10_000;

interface Remembered {
  models: Promise<ListedModel[]>;
  at: number;
  /** Of the row in the store, before the upstream was asked. */
  version: number;
}

export function watchInstalled({ config, upstream, store, now = Date.now }: Options): Installed {
  const ttl = config.api_gateways.discovery.cache_ttl * 1_000;
  const names = new LRUCache<string, true>({ max: NAMES });
  let remembered: Remembered | undefined;

  async function ask(): Promise<ListedModel[]> {
    const answer = await upstream.send({ method: 'GET', path: '/api/tags' });
    const bytes = await readAll(answer.body.stream());
    if (answer.status !== 200) {
      throw upstreamError(answer.status, bytes.toString(), { model: '', dialect: 'openai' });
    }
    const models = modelsIn(parseChunk(bytes));
    for (const { name } of models) {
      const parsed = parseModelName(name);
      if (parsed) names.set(shortName(parsed), true);
    }
    return models;
  }

  /** While the store is away, what was seen last holds until its time is over. */
  async function lastChange(): Promise<number> {
    try {
      return (await store.get('settings', ROW))?.version ?? 0;
    } catch (error) {
      if (error instanceof StoreUnavailable) return remembered?.version ?? 0;
      throw error;
    }
  }

  return {
    has: (canonical) => names.has(canonical),
    answered: (canonical) => void names.set(canonical, true),

    async installed() {
      const version = await lastChange();
      if (!remembered || remembered.version !== version || now() - remembered.at > ttl) {
        const models = ask();
        remembered = { models, at: now(), version };
        // A failure is not worth remembering.
        models.catch(() => {
          if (remembered?.models === models) remembered = undefined;
        });
      }
      return remembered.models;
    },

    async changed() {
      remembered = undefined;
      try {
        const row = await store.get('settings', ROW);
        // Where another process was faster, what it wrote says the same.
        if (row) await store.update('settings', ROW, row.version, {});
        else await store.create('settings', ROW, {});
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    },
  };
}
