/**
 * Model names as Ollama resolves them: `[host/][namespace/]model[:tag]`, without regard to case, with a source
 * (`:cloud`, `-cloud`, `:local`) at the end. One model has many names, so that whatever decides or counts by name
 * (roles, mappings, metering) uses the canonical form, and a text that no model can have as its name has none.
 */

export const DEFAULT_HOST = 'registry.ollama.ai';
export const DEFAULT_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';

/** Ollama's own limits, in characters: 350 for a host, 80 for each other part. */
const HOST = /^[a-z0-9_][a-z0-9_.:-]{0,349}$/;
const NAMESPACE = /^[a-z0-9_][a-z0-9_-]{0,79}$/;
const PART = /^[a-z0-9_][a-z0-9_.-]{0,79}$/;
/** `https://`, three slashes and colons, and a source after the longest parts. */
const LONGEST_NAME = 8 + 350 + 3 * 80 + 3 + '-cloud'.length;

/** What nearly every name is: `model` or `model:tag`. */
const SHORT = /^([a-z0-9_][a-z0-9_.-]{0,79})(?::([a-z0-9_][a-z0-9_.-]{0,79}))?$/;

/** All of it in lower case. */
export interface ModelName {
  host: string;
  namespace: string;
  model: string;
  /** `latest` where the name says none; a model of the cloud has `cloud` or `TAG-cloud`. */
  tag: string;
  /** Ollama forwards its prompts to ollama.com, under the server's own account. */
  cloud: boolean;
}

/**
 * Reads a name as Ollama does. White space around it is dropped, white space within it makes it no name: Ollama drops
 * some of that, too, and would read another name than was checked here.
 * @returns undefined where no model can have this name
 */
export function parseModelName(text: string): ModelName | undefined {
  const trimmed = text.trim();
  // Before it is lowered: some characters have an ASCII letter as their lower case.
  if (trimmed.length > LONGEST_NAME || /[^\x21-\x7e]/.test(trimmed)) return undefined;
  const name = trimmed.toLowerCase();
  const { base, source } = cutSource(name);
  if (source !== undefined && cutSource(base).source !== undefined) return undefined;
  const short = SHORT.exec(base);
  if (short) return named(DEFAULT_HOST, DEFAULT_NAMESPACE, short[1]!, short[2], source);
  return parseLong(base, source);
}

type Source = 'cloud' | 'local' | undefined;

function cutSource(name: string): { base: string; source: Source } {
  const colon = name.lastIndexOf(':');
  if (colon === -1) return { base: name, source: undefined };
  const suffix = name.slice(colon + 1);
  if (suffix === 'cloud' || suffix === 'local') return { base: name.slice(0, colon), source: suffix };
  if (suffix.endsWith('-cloud') && !suffix.includes('/')) {
    return { base: name.slice(0, -'-cloud'.length), source: 'cloud' };
  }
  return { base: name, source: undefined };
}

function parseLong(base: string, source: Source): ModelName | undefined {
  const path = base.split('/');
  const last = path.pop()!;
  const colon = last.lastIndexOf(':');
  const model = colon === -1 ? last : last.slice(0, colon);
  const tag = colon === -1 ? undefined : last.slice(colon + 1);
  const namespace = path.pop() ?? DEFAULT_NAMESPACE;
  // A scheme belongs to a host; the other parts have no colon and no empty piece.
  if (/^https?:$/.test(path[0] ?? '') && path[1] === '' && path.length === 3) path.splice(0, 2);
  const [host = DEFAULT_HOST, ...rest] = path;
  const valid = rest.length === 0 && HOST.test(host) && NAMESPACE.test(namespace) && PART.test(model);
  if (!valid || (tag !== undefined && !PART.test(tag))) return undefined;
  return named(host, namespace, model, tag, source);
}

function named(
  host: string,
  namespace: string,
  model: string,
  tag: string | undefined,
  source: Source,
): ModelName {
  if (source === 'cloud') {
    return { host, namespace, model, tag: tag === undefined ? 'cloud' : `${tag}-cloud`, cloud: true };
  }
  // Made by a pull of Ollama's before it knew sources.
  const cloud = tag === undefined && model.endsWith('-cloud');
  return { host, namespace, model, tag: tag ?? DEFAULT_TAG, cloud };
}

/** With everything: `registry.ollama.ai/library/llama2:latest`. */
export const fullName = ({ host, namespace, model, tag }: ModelName): string =>
  `${host}/${namespace}/${model}:${tag}`;

/** Without the default registry and namespace: `llama2:latest`. */
export function canonicalName({ host, namespace, model, tag }: ModelName): string {
  if (host !== DEFAULT_HOST) return `${host}/${namespace}/${model}:${tag}`;
  return namespace === DEFAULT_NAMESPACE ? `${model}:${tag}` : `${namespace}/${model}:${tag}`;
}

/** As people say it, and as it is counted: `llama2`, `llama2:70b`. */
export function shortName(name: ModelName): string {
  const canonical = canonicalName(name);
  return name.tag === DEFAULT_TAG ? canonical.slice(0, -DEFAULT_TAG.length - 1) : canonical;
}

/**
 * The canonical form: lower case, with its tag, without the default registry and namespace; undefined where no model
 * can have this name.
 * @example
 * normaliseModel('registry.ollama.ai/library/Llama2') // 'llama2:latest'
 * normaliseModel('llama2: latest') // undefined
 */
export function normaliseModel(name: string): string | undefined {
  const parsed = parseModelName(name);
  return parsed && canonicalName(parsed);
}

/** Whether two names are of one model; false where one of them is no name. */
export function sameModel(a: string, b: string): boolean {
  const canonical = normaliseModel(a);
  return canonical !== undefined && canonical === normaliseModel(b);
}

/** `library` for Ollama's own models, else whose they are. */
export function modelOwner(name: string): string {
  return parseModelName(name)?.namespace ?? DEFAULT_NAMESPACE;
}

/** Ollama forwards the prompts of such a model to ollama.com, under the server's own account. */
export function isCloudModel(name: string): boolean {
  return parseModelName(name)?.cloud ?? false;
}
