/** The model server of the demo: a real Ollama where there is one, else the simulator. */
import { startSimulator } from '../../testing/index.js';

export interface DemoUpstream {
  url: string;
  /** Of a real Ollama; the simulator has none. */
  version: string | undefined;
  /** One that can chat; undefined where Ollama has none. */
  model: string | undefined;
  close(): Promise<void>;
}

const LOCAL = 'http://127.0.0.1:11434';
/** Milliseconds. A local Ollama answers in one or two; without one there is nothing to wait for. */
const LOCAL_TIMEOUT = 500;
const NAMED_TIMEOUT = 5_000;

/** @throws Error where the Ollama that was named does not answer */
export async function findUpstream(named: string | undefined): Promise<DemoUpstream> {
  const url = named === undefined ? LOCAL : origin(named);
  const version = await ollamaVersion(url, named === undefined ? LOCAL_TIMEOUT : NAMED_TIMEOUT);
  if (version !== undefined) return { url, version, model: await chatModel(url), close: async () => {} };
  if (named !== undefined) throw new Error(`No Ollama answers at ${url}.`);
  const simulator = await startSimulator({ port: 0 });
  return { url: simulator.url, version: undefined, model: 'llama2', close: () => simulator.close() };
}

function origin(named: string): string {
  const url = URL.parse(named.includes('://') ? named : `http://${named}`);
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/') return url.origin;
  throw new Error(`"${named}" is not where an Ollama can be; expected an address such as ${LOCAL}.`);
}

async function ollamaVersion(url: string, timeout: number): Promise<string | undefined> {
  try {
    const { version } = await ask<{ version?: string }>(`${url}/api/version`, timeout);
    return version;
  } catch {
    return undefined;
  }
}

interface Tag {
  name: string;
  /** Set for models that run elsewhere, for people with an account there. */
  remote_host?: string;
}

/** The one that changed last, as Ollama lists them. */
async function chatModel(url: string): Promise<string | undefined> {
  const { models } = await ask<{ models: Tag[] }>(`${url}/api/tags`, NAMED_TIMEOUT);
  const local = models.filter(({ remote_host }) => !remote_host).map(({ name }) => name);
  // Embedding models cannot chat, and the list does not say which they are.
  const name = local.find((model) => !/embed|bert|minilm|bge-/i.test(model));
  return name?.replace(/:latest$/, '');
}

async function ask<T>(url: string, timeout: number): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeout) });
  return JSON.parse(await response.text());
}
