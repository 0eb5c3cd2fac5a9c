/** Which models there are, under which names, and who may use them. */
import type { Roles } from './auth/roles.js';
import type { Config, ModelOptions } from './config.js';
import type { GatewayName, Identity } from './contract.js';
import { GatewayError } from './errors.js';
import { type Installed, watchInstalled } from './installed.js';
import { type Alias, createAliases } from './model-aliases.js';
import type { LiveSettings } from './settings.js';
import type { Records } from './store/port.js';
import { type ModelName, parseModelName, shortName } from './translate/model-name.js';
import { type ModelMatcher, matchesEverything, modelMatcher } from './translate/model-pattern.js';
import type { Upstream } from './upstream/client.js';

/** One model, by the names that it has for those who deal with it. */
export interface ResolvedModel {
  /** What it is counted under: the name of a mapping, or the model's own. One for all spellings of it. */
  name: string;
  /** The upstream's own, in one spelling. */
  canonical: string;
  /** What the upstream is asked with. */
  upstream: string;
}

/** Stands for all models that no host is known to have. No model can be called so. */
export const UNKNOWN_MODEL = '(unknown)';

export interface Models extends Installed {
  /**
   * @throws GatewayError invalid_value where no model can have this name, model_not_allowed where the role has not
   * got it
   */
  resolve(identity: Identity, gateway: GatewayName, name: string): ResolvedModel;
  /** Whether the role may use the model, under the name of a mapping or the real one. */
  allowed(identity: Identity, gateway: GatewayName, name: string): boolean;
  /**
   * For who fetches, copies or removes models: they are named by the upstream's names, and no mapping counts.
   * @param elsewhere its prompts would be forwarded under a name that does not say so: the role must name it
   * @throws GatewayError as `resolve` does; `param` is the field that has the name
   */
  checkManaged(identity: Identity, name: string, param: string, options?: { elsewhere?: boolean }): void;
  /** What a model is counted under, in rows and logs: one constant for all that no host is known to have. */
  counted(model: ResolvedModel): string;
  /** The operator's own settings for a model, under the name that it is counted under. */
  options(gateway: GatewayName, model: ResolvedModel): ModelOptions | undefined;
  /** Names of the gateway's mappings and what they stand for. */
  mappings(gateway: GatewayName): Record<string, string>;
  /** The model of requests that name none. */
  defaultModel(gateway: GatewayName): string | undefined;
}

interface Options {
  config: Config;
  roles: Roles;
  settings: LiveSettings;
  upstream: Upstream;
  store: Records;
  now?: () => number;
}

interface Found {
  resolved: ResolvedModel;
  model: ModelName;
  alias?: Alias;
}

export function createModels(options: Options): Models {
  const { config, roles, settings } = options;
  const ownOptions = {
    ollama: optionsByName(config, 'ollama'),
    openai: optionsByName(config, 'openai'),
  };
  const aliases = createAliases(settings);
  /** Those of the configuration's patterns that were needed so far. */
  const matchers = new Map<string, ModelMatcher>();

  function matcherOf(pattern: string): ModelMatcher {
    let matcher = matchers.get(pattern);
    if (!matcher) {
      matcher = modelMatcher(pattern);
      matchers.set(pattern, matcher);
    }
    return matcher;
  }

  function find(gateway: GatewayName, name: string): Found | undefined {
    const model = parseModelName(name);
    const alias = aliases.find(gateway, name, model);
    if (alias) {
      const { target, targetModel } = alias;
      const resolved = { name: alias.name, canonical: shortName(targetModel), upstream: target };
      return { resolved, model: targetModel, alias };
    }
    if (!model) return undefined;
    const own = shortName(model);
    return { resolved: { name: own, canonical: own, upstream: name.trim() }, model };
  }

  /** @param named by a pattern that is not for everything */
  function permits(identity: Identity, model: ModelName, named: boolean): boolean {
    const patterns = roles.get(identity.role)?.models ?? [];
    return patterns.some((pattern) => !(named && matchesEverything(pattern)) && matcherOf(pattern)(model));
  }

  function mayUse(identity: Identity, { model, alias }: Found): boolean {
    // A cloud model sends prompts to somebody else's machine: only where a role names it, never by a bare `*`.
    if (model.cloud) return permits(identity, model, true);
    return (
      permits(identity, model, false) || (alias?.model !== undefined && permits(identity, alias.model, false))
    );
  }

  const installed = watchInstalled(options);

  return {
    ...installed,
    counted: ({ name, canonical }) => (name !== canonical || installed.has(canonical) ? name : UNKNOWN_MODEL),
    options(gateway, { name }) {
      const own = ownOptions[gateway];
      return own.size === 0 ? undefined : own.get(oneSpelling(name));
    },
    mappings: (gateway) => settings.of(gateway).model_mappings,
    defaultModel: (gateway) => settings.of(gateway).default_model ?? settings.of('ollama').default_model,

    allowed(identity, gateway, name) {
      const found = find(gateway, name);
      return found !== undefined && mayUse(identity, found);
    },

    resolve(identity, gateway, name) {
      const found = find(gateway, name);
      if (!found) throw noName(name, 'model');
      if (!mayUse(identity, found)) throw notAllowed(identity, name, 'model');
      return found.resolved;
    },

    checkManaged(identity, name, param, { elsewhere = false } = {}) {
      const model = parseModelName(name);
      if (!model) throw noName(name, param);
      if (!permits(identity, model, elsewhere && model.cloud)) throw notAllowed(identity, name, param);
    },
  };
}

function optionsByName({ api_gateways }: Config, gateway: GatewayName): Map<string, ModelOptions> {
  const all = Object.entries(api_gateways[gateway].model_options);
  return new Map(all.map(([name, options]) => [oneSpelling(name), options]));
}

/** Names that no model can have are those of mappings, and stand as they are. */
function oneSpelling(name: string): string {
  const model = parseModelName(name);
  return model ? shortName(model) : name;
}

function noName(name: string, param: string): GatewayError {
  const why = /\s/.test(name.trim()) ? 'it has white space in it' : 'no model can have this name';
  // Ollama's own words, and why.
  return new GatewayError('invalid_value', { message: `invalid model name: ${why}`, param });
}

const notAllowed = (identity: Identity, name: string, param: string) =>
  new GatewayError('model_not_allowed', {
    message: `The role '${identity.role}' does not have access to model '${name}'.`,
    param,
  });
