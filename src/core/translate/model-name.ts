/**
 * Model names as Ollama resolves them: `[host/][namespace/]model[:tag]`, without regard to case. One model has many
 * names, so that whatever decides by name (roles, mappings, metering) compares canonical forms.
 */

const DEFAULT_HOST = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';

interface ModelName {
  host: string;
  namespace: string;
  model: string;
  tag: string | undefined;
}

const LOCAL = ':local';

/**
 * `:local` names a source, not a model: left in, it would be an alias that no rule knows. Clients choose names, so that
 * this takes no expression that could go back and forth over a long one.
 */
function withoutSource(name: string): string {
  let rest = name.trim();
  while (rest.slice(-LOCAL.length).toLowerCase() === LOCAL) rest = rest.slice(0, -LOCAL.length).trimEnd();
  return rest;
}

function parse(name: string): ModelName {
  const bare = withoutSource(name)
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '');
  const slash = bare.lastIndexOf('/');
  const last = bare.slice(slash + 1);
  const colon = last.lastIndexOf(':');
  const model = colon === -1 ? last : last.slice(0, colon);
  const tag = colon === -1 ? undefined : last.slice(colon + 1);
  const path = slash === -1 ? [] : bare.slice(0, slash).split('/');
  // A namespace has neither dots nor colons, a host has one or the other.
  const hasHost = path.length > 1 || /[.:]/.test(path[0] ?? '');
  const host = hasHost ? (path.shift() ?? DEFAULT_HOST) : DEFAULT_HOST;
  return { host, namespace: path.join('/') || (hasHost ? '' : DEFAULT_NAMESPACE), model, tag };
}

const full = ({ host, namespace, model, tag }: ModelName): string =>
  `${host}/${namespace === '' ? '' : `${namespace}/`}${model}${tag === undefined ? '' : `:${tag}`}`;

/**
 * The canonical form: lower case, with its tag, without the default registry and namespace.
 * @example normaliseModel('registry.ollama.ai/library/Llama2') // 'llama2:latest'
 */
export function normaliseModel(name: string): string {
  const parsed = parse(name);
  const whole = full({ ...parsed, tag: parsed.tag || 'latest' });
  for (const prefix of [`${DEFAULT_HOST}/${DEFAULT_NAMESPACE}/`, `${DEFAULT_HOST}/`]) {
    if (whole.startsWith(prefix)) return whole.slice(prefix.length);
  }
  return whole;
}

export function sameModel(a: string, b: string): boolean {
  return normaliseModel(a) === normaliseModel(b);
}

/** `library` for Ollama's own models, else whose they are. */
export function modelOwner(name: string): string {
  const { host, namespace } = parse(name);
  return namespace || host;
}

/** Ollama forwards the prompts of such a model to ollama.com, under the server's own account. */
export function isCloudModel(name: string): boolean {
  return /[:-]cloud$/i.test(withoutSource(name));
}

const escapeRegExp = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');

/**
 * Whether a role's pattern allows a model. `*` stands for any characters; without a tag a pattern means `latest`,
 * unless it ends in `*`; one that begins with `*` is good for every registry and namespace.
 * @example matchesModel('llama*', 'llama2:70b') // true
 */
export function matchesModel(pattern: string, name: string): boolean {
  const wanted = pattern.trim().toLowerCase();
  if (wanted === '*') return true;
  const parsed = parse(wanted);
  const tag = parsed.tag ?? (parsed.model.endsWith('*') ? undefined : 'latest');
  const anywhere = wanted.startsWith('*');
  const withTag = parsed.tag === undefined && tag !== undefined ? `${wanted}:${tag}` : wanted;
  const expression = escapeRegExp(anywhere ? withTag : full({ ...parsed, tag })).replaceAll('*', '.*');
  return new RegExp(`^${expression}$`).test(full({ ...parse(name), tag: parse(name).tag || 'latest' }));
}
