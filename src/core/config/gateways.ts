/** The section `api_gateways`: where Ollama is, and under which paths and model names it is offered. */
import { z } from 'zod';
import { GATEWAYS } from '../contract.js';
import { parseModelName } from '../translate/model-name.js';
import { modelOptions } from './model-options.js';
import { flag, listOf, matching, seconds, section, text, timeout, wholeNumber } from './values.js';

/** Ends in a version, so that native Ollama has a place beside it: see {@link nativeBasePath}. */
const BASE_PATH = /^(?:\/(?!\.{1,2}\/)[A-Za-z0-9._~-]+)*\/v\d+[a-z0-9]*$/;
/** The gateway's own paths. */
const OWN = ['/auth', '/admin', '/status', '/healthz', '/readyz', '/metrics'];

/** Where native Ollama is offered: `/ollama/v1` gives `/ollama/api`. */
export const nativeBasePath = (basePath: string) => basePath.replace(/[^/]+$/, 'api');

const basePath = () => {
  const what = 'a path such as /ollama/v1: from a slash to a version, without a slash at its end';
  return matching(BASE_PATH, what).refine((path) => !OWN.some((own) => within(path, own)), {
    error: `begins like a path of the gateway's own (${OWN.join(', ')}); expected another`,
  });
};

/** Why a name may not stand for this model; undefined where it may. */
export function mappingProblem(mappings: Record<string, unknown>, model: string): string | undefined {
  if (Object.hasOwn(mappings, model)) return 'which is itself a mapping';
  return parseModelName(model) ? undefined : 'which no model can have as its name';
}

const modelMappings = () => {
  const what = 'names with models, such as gpt-4: llama2:70b';
  return z
    .record(z.string(), text('the name of a model'), what)
    .superRefine((mappings, context) => {
      for (const [name, model] of Object.entries(mappings)) {
        const problem = mappingProblem(mappings, model);
        const message = `leads to ${model}, ${problem}; expected the name of a model`;
        if (problem) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .prefault({});
};

/** Becomes an origin without a port: `localhost` is `http://localhost`. */
const upstreamHost = () => {
  const what = 'a host such as http://localhost';
  return z.string(what).transform((value, context) => {
    const url = URL.parse(value.includes('://') ? value : `http://${value}`);
    const wrong = hostProblem(value, url);
    if (url && !wrong) return `${url.protocol}//${url.hostname}`;
    context.addIssue({ code: 'custom', message: `${wrong}; expected ${what}` });
    return z.NEVER;
  });
};

function hostProblem(value: string, url: URL | null): string | undefined {
  if (!url || !/^https?:$/.test(url.protocol)) return 'is not a host';
  if (url.username || url.password) return 'has a user name or a password in it';
  // A default port (http://host:80) is not in `url.port`.
  if (/:\d+\/?$/.test(value)) return 'has a port in it, which belongs under port';
  if (url.pathname !== '/' || url.search || url.hash) return 'has more than a host in it';
  return undefined;
}

const gatewayNames = `one of ${GATEWAYS.join(', ')}`;
export const gatewayList = () =>
  listOf(z.enum(GATEWAYS, gatewayNames), `a list of ${GATEWAYS.join(', ')}`).refine(
    (names) => new Set(names).size === names.length,
    { error: 'names a gateway twice; expected each once' },
  );

export const gatewaysSchema = section({
  /** A gateway that is not named here answers 404. */
  enabled: gatewayList().default([...GATEWAYS]),
  discovery: section({
    enabled: flag().default(true),
    /** Seconds for which `/` and the model lists may be remembered. */
    cache_ttl: seconds(0).default(300),
  }).prefault({}),
  ollama: section({
    /** An origin without a port. */
    host: upstreamHost().default('http://localhost'),
    port: wholeNumber('a port from 1 to 65535', 1, 65_535).default(11_434),
    base_path: basePath().default('/ollama/v1'),
    /** For requests that name no model. */
    default_model: text('the name of a model').optional(),
    model_mappings: modelMappings(),
    model_options: modelOptions(),
    /** Tokens. The largest `num_ctx` for roles that do not manage models: a larger context takes the memory of other models. */
    max_num_ctx: wholeNumber('a whole number of tokens, 1 or more', 1).default(32_768),
    /** Seconds. The longest `keep_alive` for roles that do not manage models. */
    keep_alive_max: timeout().default(3_600),
    /** Seconds. */
    connect_timeout: timeout().default(5),
    /** Seconds until an answer begins, with the loading of the model; 0 waits for ever. */
    first_byte_timeout: timeout(0).default(600),
    /** Seconds, for each 4 KB of a request, until a silent model is unloaded and asked again; 0 never does so. */
    stall_timeout: timeout(0).default(30),
  }).prefault({}),
  openai: section({
    base_path: basePath().default('/openai/v1'),
    default_model: text('the name of a model').optional(),
    model_mappings: modelMappings(),
    model_options: modelOptions(),
  }).prefault({}),
}).superRefine(({ ollama, openai }, context) => {
  const taken = [ollama.base_path, nativeBasePath(ollama.base_path)].find(
    (path) => within(openai.base_path, path) || within(path, openai.base_path),
  );
  if (taken === undefined) return;
  const message = `collides with ${taken} of the gateway ollama; expected a path of its own`;
  context.addIssue({ code: 'custom', path: ['openai', 'base_path'], message });
});

const within = (path: string, parent: string) => `${path}/`.startsWith(`${parent}/`);
