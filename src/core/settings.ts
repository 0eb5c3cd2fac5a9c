/**
 * What an operator changes while gateways run: switches, model mappings, default models. Kept in the store, where they
 * beat the configuration file, and seen by every process within a second.
 */

import { isDeepStrictEqual } from 'node:util';
import { mappingProblem } from './config/gateways.js';
import type { Config } from './config.js';
import { GATEWAYS, type GatewayName } from './contract.js';
import { type Records, StoreUnavailable } from './store/port.js';

export interface GatewaySettings {
  enabled: boolean;
  /** The client's names for models, and what they stand for. */
  model_mappings: Record<string, string>;
  default_model?: string;
}

/** What to change; what is absent stays. null takes a mapping or the default model away. */
export interface SettingsChange {
  enabled?: boolean;
  model_mappings?: Record<string, string | null>;
  default_model?: string | null;
}

export interface SettingsAdmin {
  /** In force: the file's, changed by the store's. */
  get(gateway: GatewayName): Promise<GatewaySettings>;
  /** @throws Error where a mapping would lead to another mapping, or to what no model can have as its name */
  change(gateway: GatewayName, change: SettingsChange): Promise<GatewaySettings>;
  /** Gives the file its word back. */
  reset(gateway: GatewayName): Promise<void>;
}

export interface LiveSettings {
  /** As of at most a second ago. */
  of(gateway: GatewayName): GatewaySettings;
  /** Grows whenever something has changed. */
  readonly version: number;
  close(): void;
}

/** Milliseconds between two looks: half of the second in which a change must be seen. */
const LOOK_EVERY = 500;

const rowId = (gateway: GatewayName) => `gateway:${gateway}`;

export function createSettingsAdmin({ store, config }: { store: Records; config: Config }): SettingsAdmin {
  const read = (gateway: GatewayName) => store.get<SettingsChange>('settings', rowId(gateway));

  return {
    get: async (gateway) => effective(config, gateway, (await read(gateway))?.value),

    async change(gateway, change) {
      for (;;) {
        const row = await read(gateway);
        const next = merge(row?.value ?? {}, change);
        const result = effective(config, gateway, next);
        checkMappings(result.model_mappings);
        const id = rowId(gateway);
        const written = row
          ? await store.update('settings', id, row.version, next)
          : await store.create('settings', id, next);
        if (written) return result;
      }
    },

    async reset(gateway) {
      await store.delete('settings', rowId(gateway));
    },
  };
}

/** Looks at the store every half second; while that is away, what was seen last holds. */
export async function watchSettings({
  store,
  config,
  onTrouble,
}: {
  store: Records;
  config: Config;
  onTrouble(error: unknown): void;
}): Promise<LiveSettings> {
  let current = settingsFrom(config, []);
  let version = 0;

  async function look(): Promise<void> {
    const rows = await store.getMany<SettingsChange>('settings', GATEWAYS.map(rowId));
    const next = settingsFrom(
      config,
      rows.map((row) => row?.value),
    );
    if (isDeepStrictEqual(next, current)) return;
    current = next;
    version += 1;
  }

  // Requests that need the store report that it is unavailable.
  const ignoreAway = (error: unknown) => {
    if (!(error instanceof StoreUnavailable)) onTrouble(error);
  };
  await look().catch(ignoreAway);
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look()
      .catch(ignoreAway)
      .finally(() => {
        looking = false;
      });
  }, LOOK_EVERY);
  timer.unref();

  return {
    of: (gateway) => current[gateway],
    get version() {
      return version;
    },
    close: () => clearInterval(timer),
  };
}

function settingsFrom(
  config: Config,
  changes: (SettingsChange | undefined)[],
): Record<GatewayName, GatewaySettings> {
  const [ollama, openai] = GATEWAYS.map((gateway, i) => effective(config, gateway, changes[i]));
  return { ollama: ollama!, openai: openai! };
}

function effective(config: Config, gateway: GatewayName, change: SettingsChange = {}): GatewaySettings {
  const file = config.api_gateways[gateway];
  const mappings = Object.entries({ ...file.model_mappings, ...change.model_mappings });
  const defaultModel = change.default_model === undefined ? file.default_model : change.default_model;
  return {
    enabled: change.enabled ?? true,
    model_mappings: Object.fromEntries(
      mappings.filter((entry): entry is [string, string] => entry[1] !== null),
    ),
    default_model: defaultModel ?? undefined,
  };
}

function merge(before: SettingsChange, change: SettingsChange): SettingsChange {
  return {
    ...before,
    ...change,
    model_mappings: { ...before.model_mappings, ...change.model_mappings },
  };
}

function checkMappings(mappings: Record<string, string>): void {
  for (const [name, model] of Object.entries(mappings)) {
    const problem = mappingProblem(mappings, model);
    if (problem) throw new Error(`The mapping ${name} leads to ${model}, ${problem}. Name a model.`);
  }
}
