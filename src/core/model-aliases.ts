/** The names that an operator has made for models, found by any spelling of them. */
import type { GatewayName } from './contract.js';
import type { LiveSettings } from './settings.js';
import { type ModelName, parseModelName, shortName } from './translate/model-name.js';

export interface Alias {
  /** As the operator wrote it. */
  name: string;
  /** Undefined where no model could have this name: then a request has to write it just so. */
  model: ModelName | undefined;
  /** The upstream's name for it. */
  target: string;
  targetModel: ModelName;
}

export interface Aliases {
  /** @param model what `name` is when it is read as a model's name */
  find(gateway: GatewayName, name: string, model: ModelName | undefined): Alias | undefined;
}

interface Table {
  from: Record<string, string>;
  exact: Map<string, Alias>;
  canonical: Map<string, Alias>;
}

export function createAliases(settings: LiveSettings): Aliases {
  const tables: Partial<Record<GatewayName, Table>> = {};

  function tableOf(gateway: GatewayName): Table {
    const from = settings.of(gateway).model_mappings;
    const known = tables[gateway];
    if (known?.from === from) return known;
    const table = tableFrom(from);
    tables[gateway] = table;
    return table;
  }

  return {
    find(gateway, name, model) {
      const { exact, canonical } = tableOf(gateway);
      if (exact.size === 0) return undefined;
      return exact.get(name) ?? (model && canonical.get(shortName(model)));
    },
  };
}

function tableFrom(from: Record<string, string>): Table {
  const table: Table = { from, exact: new Map(), canonical: new Map() };
  for (const [name, target] of Object.entries(from)) {
    const targetModel = parseModelName(target);
    // The configuration refuses such; the store may have one from before.
    if (!targetModel) continue;
    const alias = { name, model: parseModelName(name), target: target.trim(), targetModel };
    table.exact.set(name, alias);
    // Of two spellings of one name the first is meant by all others.
    const spoken = alias.model && shortName(alias.model);
    if (spoken !== undefined && !table.canonical.has(spoken)) table.canonical.set(spoken, alias);
  }
  return table;
}
