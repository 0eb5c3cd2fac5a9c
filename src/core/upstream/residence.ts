/** Whether a model is in Ollama's memory and ready, and how to get it out: asked for while something seems wrong. */
import { readAll } from '../http/read-all.js';
import { sameModel } from '../translate/index.js';
import type { Upstream } from './client.js';

export interface Resident {
  /** Milliseconds since its time in memory was over, by Ollama's clock and to the second; negative before that. */
  expired: number;
}

export interface Residence {
  /** @returns undefined where the model is not in memory */
  of(model: string): Promise<Resident | undefined>;
  /**
   * Whether it is loaded to the end. `/api/ps` lists a model from the beginning of its loading; a request without a
   * prompt is answered when it is ready, even if all its slots are taken.
   * @param options those of a request that waits: with others Ollama would load it anew
   */
  ready(model: string, options: unknown): Promise<boolean>;
  /** Asks for it to be unloaded. It goes when no request uses it or waits for it any more. */
  unload(model: string): Promise<void>;
}

/** Milliseconds. */
const DEADLINE = 5_000;

interface Listed {
  name: string;
  expires_at: string;
}

/** All of it throws where Ollama does not answer in time, or not as Ollama does. */
export function createResidence(upstream: Pick<Upstream, 'send'>): Residence {
  async function ask(path: string, body?: object) {
    const answer = await upstream.send({
      method: body ? 'POST' : 'GET',
      path,
      headers: body && { 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE),
    });
    const text = (await readAll(answer.body.stream())).toString();
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    return { value: JSON.parse(text), date: Date.parse(String(answer.headers.date ?? '')) };
  }

  /** The file that the model was made from. */
  async function weights(model: string): Promise<string | undefined> {
    const { value } = await ask('/api/show', { model }).catch(() => ({ value: {} }));
    return /^FROM (.+)$/m.exec((value as { modelfile?: string }).modelfile ?? '')?.[1];
  }

  /** Models of the same weights are in memory once, under the name of the first that was asked for. */
  async function named(model: string, listed: Listed[]): Promise<Listed | undefined> {
    const found = listed.find(({ name }) => sameModel(name, model));
    if (found || listed.length === 0) return found;
    const [wanted, ...others] = await Promise.all([model, ...listed.map(({ name }) => name)].map(weights));
    return listed[others.findIndex((other) => other !== undefined && other === wanted)];
  }

  return {
    async of(model) {
      const { value, date } = await ask('/api/ps');
      const found = await named(model, (value as { models?: Listed[] | null }).models ?? []);
      if (!found) return undefined;
      return { expired: (Number.isNaN(date) ? Date.now() : date) - Date.parse(found.expires_at) };
    },
    ready: (model, options) =>
      ask('/api/generate', { model, stream: false, options }).then(
        () => true,
        () => false,
      ),
    async unload(model) {
      await ask('/api/generate', { model, stream: false, keep_alive: 0 });
    },
  };
}
