/** Which models there are, under which names, and who may use them. */
import type { Roles } from './auth/roles.js';
import type { Config } from './config.js';
import type { GatewayName, Identity } from './contract.js';
import { GatewayError } from './errors.js';
import { readAll } from './http/read-all.js';
import type { LiveSettings } from './settings.js';
import { isCloudModel, matchesModel, parseChunk, sameModel, upstreamError } from './translate/index.js';
import { type ListedModel, modelsIn } from './translate/tags.js';
import type { Upstream } from './upstream/client.js';

export interface Models {
  /**
   * The upstream's name for what a client asked for.
   * @throws GatewayError model_not_allowed
   */
  resolve(identity: Identity, gateway: GatewayName, name: string): string;
  /** Whether the role may use the model, under the name of a mapping or the real one. */
  allowed(identity: Identity, gateway: GatewayName, name: string): boolean;
  /** Names of the gateway's mappings and what they stand for. */
  mappings(gateway: GatewayName): Record<string, string>;
  defaultModel(gateway: GatewayName): string | undefined;
  /** What the upstream has, remembered for `discovery.cache_ttl` seconds. */
  installed(): Promise<ListedModel[]>;
  /** A model came or went: the next look is a fresh one. */
  forget(): void;
}

interface Options {
  config: Config;
  roles: Roles;
  settings: LiveSettings;
  upstream: Upstream;
  now?: () => number;
}

/** Characters. Ollama takes 350 of a host and 80 of each other part. */
const LONGEST_NAME = 1_000;

export function createModels({ config, roles, settings, upstream, now = Date.now }: Options): Models {
  const ttl = config.api_gateways.discovery.cache_ttl * 1_000;
  let remembered: { models: Promise<ListedModel[]>; at: number } | undefined;

  const mappings = (gateway: GatewayName) => settings.of(gateway).model_mappings;

  function target(gateway: GatewayName, name: string): string {
    const table = mappings(gateway);
    if (Object.hasOwn(table, name)) return table[name]!;
    const alias = Object.keys(table).find((key) => sameModel(key, name));
    return alias === undefined ? name.trim() : table[alias]!;
  }

  /**
   * A name that no model can have: longer ones would be searched at length, and repeated in errors; control characters
   * would go into logs and onto terminals.
   */
  const impossible = (name: string) => name.length > LONGEST_NAME || /\p{Cc}/u.test(name.trim());

  function permits(identity: Identity, name: string): boolean {
    const role = roles.get(identity.role);
    if (!role) return false;
    // A cloud model sends prompts to somebody else's machine: only where a role names it, never by a bare `*`.
    const patterns = isCloudModel(name) ? role.models.filter((pattern) => pattern !== '*') : role.models;
    return patterns.some((pattern) => matchesModel(pattern, name));
  }

  function allowed(identity: Identity, gateway: GatewayName, name: string): boolean {
    if (impossible(name)) return false;
    const real = target(gateway, name);
    if (isCloudModel(real) && !permits(identity, real)) return false;
    return permits(identity, real) || (real !== name && permits(identity, name));
  }

  async function ask(): Promise<ListedModel[]> {
    const answer = await upstream.send({ method: 'GET', path: '/api/tags' });
    const bytes = await readAll(answer.body.stream());
    if (answer.status === 200) return modelsIn(parseChunk(bytes));
    throw upstreamError(answer.status, bytes.toString(), { model: '', dialect: 'openai' });
  }

  return {
    allowed,
    mappings,
    defaultModel: (gateway) => settings.of(gateway).default_model,

    resolve(identity, gateway, name) {
      if (impossible(name)) throw new GatewayError('model_not_found', { param: 'model' });
      if (!allowed(identity, gateway, name)) {
        throw new GatewayError('model_not_allowed', {
          message: `The role '${identity.role}' does not have access to model '${name}'.`,
          param: 'model',
        });
      }
      return target(gateway, name);
    },

    installed() {
      if (!remembered || now() - remembered.at > ttl) {
        const models = ask();
        remembered = { models, at: now() };
        // A failure is not worth remembering.
        models.catch(() => {
          if (remembered?.models === models) remembered = undefined;
        });
      }
      return remembered.models;
    },

    forget() {
      remembered = undefined;
    },
  };
}
