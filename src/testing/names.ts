/** Model names, as Ollama reads them. */

const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
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
  const parts = text.replace(/^https?:\/\//, '').split('/');
  const last = parts.pop()!;
  const [name, tag = 'latest', ...rest] = last.split(':');
  const namespace = parts.pop() ?? 'library';
  const host = parts.pop() ?? 'registry.ollama.ai';
  const valid = [name ?? '', tag, namespace].every((part) => PART.test(part)) && HOST.test(host);
  if (!valid || rest.length > 0 || parts.length > 0) return undefined;
  const own = host !== 'registry.ollama.ai';
  const prefix = own ? `${host}/${namespace}/` : namespace === 'library' ? '' : `${namespace}/`;
  return {
    short: `${prefix}${name}:${tag}`,
    full: `${host}/${namespace}/${name}:${tag}`,
    host: own ? host : undefined,
    repository: `${namespace}/${name}`,
    tag,
  };
}

/** Under which a name is looked up: without regard to case. */
export const nameKey = (text: string): string => (parseName(text)?.full ?? text).toLowerCase();
