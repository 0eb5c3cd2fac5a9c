/** Model names, as Ollama reads them. */

const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
const NAMESPACE = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/;
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$/;

export interface ModelName {
  /** Without the default registry and namespace, with the tag: `llama2:latest`. */
  short: string;
  /** With everything: `registry.ollama.ai/library/llama2:latest`. */
  full: string;
  /** A registry other than the default one. */
  host?: string;
  /** `library/llama2`. */
  repository: string;
  tag: string;
}

/** Undefined where it is no valid name. */
export function parseName(text: string): ModelName | undefined {
  const slash = text.lastIndexOf('/');
  const colon = text.lastIndexOf(':');
  const untagged = colon > slash ? text.slice(0, colon) : text;
  const tag = colon > slash ? text.slice(colon + 1) : 'latest';
  const [name = '', namespace = 'library', ...rest] = untagged.split('/').reverse();
  const host =
    rest.length === 0
      ? 'registry.ollama.ai'
      : rest
          .reverse()
          .join('/')
          .replace(/^.*?:\/\//, '');
  const valid = PART.test(name) && PART.test(tag) && NAMESPACE.test(namespace) && HOST.test(host);
  if (!valid) return undefined;
  const own = host.toLowerCase() !== 'registry.ollama.ai';
  const prefix = own ? `${host}/${namespace}/` : namespace.toLowerCase() === 'library' ? '' : `${namespace}/`;
  return {
    short: `${prefix}${name}:${tag}`,
    full: `${host}/${namespace}/${name}:${tag}`,
    host: own ? host : undefined,
    repository: `${namespace}/${name}`,
    tag,
  };
}

export interface ModelRef {
  /** The name without its source. */
  base: string;
  source?: 'local' | 'cloud';
}

/** What a request says after the last colon: `:local` and `:cloud` name a source. Blanks around both are dropped. */
export function parseRef(text: string): ModelRef | undefined {
  const trimmed = text.trim();
  const { base, source } = cutSource(trimmed);
  return source && cutSource(base).source ? undefined : { base, source };
}

function cutSource(text: string): ModelRef {
  const colon = text.lastIndexOf(':');
  const raw = text.slice(colon + 1).trim();
  const suffix = raw.toLowerCase();
  if (colon === -1) return { base: text };
  if (suffix === 'cloud' || suffix === 'local') return { base: text.slice(0, colon), source: suffix };
  if (!raw.includes('/') && suffix.endsWith('-cloud')) {
    return { base: text.slice(0, colon + 1) + raw.slice(0, -'-cloud'.length), source: 'cloud' };
  }
  return { base: text };
}

/** The installed name that stands for a model of the cloud, or the name itself. */
export function installedName({ base, source }: ModelRef): string {
  if (source !== 'cloud') return base;
  return base.lastIndexOf(':') > base.lastIndexOf('/') ? `${base}-cloud` : `${base}:cloud`;
}

/** Under which a name is looked up: without regard to case. */
export const nameKey = (text: string): string => (parseName(text)?.full ?? text).toLowerCase();
