/** The models that are installed, and those that are loaded. */
import { createHash } from 'node:crypto';
import { nameKey, parseName } from './names.js';
import type { Capability, SimulatedModel } from './types.js';
import { SPECIAL } from './vocabulary.js';

const TEXT: Capability[] = ['completion', 'tools', 'insert'];
const TINY = { memory: 6_098_432, parameters: { stop: ['<|im_end|>'], temperature: 0 } };
const SEVEN = { parameterSize: '7B', quantization: 'Q4_0', contextLength: 4096, size: 3_826_793_677 };

/** The three tiny models of the recordings, and models as people have them, which know the same dialogs. */
export const DEFAULT_MODELS: SimulatedModel[] = [
  { ...SEVEN, name: 'llama2:latest', embeddingLength: 4096, blocks: 32, heads: 32, feedForward: 11008 },
  {
    name: 'llama2:70b',
    contextLength: 4096,
    embeddingLength: 8192,
    parameterSize: '69B',
    quantization: 'Q4_0',
    size: 38_861_129_420,
    blocks: 80,
    heads: 64,
    feedForward: 28672,
  },
  {
    ...SEVEN,
    name: 'llava:latest',
    capabilities: ['completion', 'vision'],
    embeddingLength: 4096,
    blocks: 32,
    heads: 32,
    feedForward: 11008,
  },
  {
    name: 'nomic-embed-text:latest',
    capabilities: ['embedding'],
    family: 'nomic-bert',
    contextLength: 2048,
    embeddingLength: 768,
    parameterSize: '137M',
    quantization: 'F16',
    size: 274_302_450,
    blocks: 12,
    heads: 12,
    feedForward: 3072,
  },
  { ...TINY, name: 'tiny-think:latest', capabilities: [...TEXT, 'thinking'], size: 3_368_356 },
  { ...TINY, name: 'tiny:latest', size: 3_368_295 },
  { ...TINY, name: 'tiny-embed:latest', capabilities: ['embedding'], size: 3_367_242, parameters: {} },
];

/** What `/api/pull` finds when the options name nothing else. */
export const DEFAULT_REGISTRY: SimulatedModel[] = [
  { ...SEVEN, name: 'mistral:latest', contextLength: 32_768 },
  { name: 'llama3.2:latest', contextLength: 131_072, parameterSize: '3.2B', quantization: 'Q4_K_M' },
  { name: 'all-minilm:latest', capabilities: ['embedding'], contextLength: 256, embeddingLength: 384 },
];

/** A model with everything filled in. */
export interface Model extends Required<Omit<SimulatedModel, 'system'>> {
  system: string;
  /** SHA-256 of the manifest, in hex. */
  digest: string;
  modifiedAt: Date;
}

export interface Loaded {
  model: Model;
  /** Milliseconds since 1970; infinite for ever. */
  expiresAt: number;
  /** It stays beyond its time, until it is unloaded. */
  held: boolean;
}

export interface Models {
  /** In the order in which they were added. */
  list(): Model[];
  find(name: string): Model | undefined;
  add(model: SimulatedModel): Model;
  remove(name: string): boolean;
  /** Loads it, or keeps it loaded. @param keepAlive milliseconds, five minutes when left out */
  load(model: Model, keepAlive?: number): void;
  /** Keeps it loaded until it is unloaded, whatever is asked. */
  hold(model: Model): void;
  /** Its time is over. */
  expire(model: Model): void;
  unload(model: Model): void;
  /** The longest-lived first. */
  loaded(): Loaded[];
}

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** Names the blob with the weights: models made from one another share it. */
export const weightsOf = (model: SimulatedModel): string =>
  sha256(`${model.family}/${model.parameterSize}/${model.embeddingLength}`);

function complete(model: SimulatedModel, modifiedAt: Date): Model {
  const name = parseName(model.name);
  if (!name) throw new TypeError(`${JSON.stringify(model.name)} is not a model name`);
  const filled = {
    capabilities: TEXT,
    contextLength: 2048,
    embeddingLength: 128,
    answers: {},
    system: '',
    parameters: { stop: [SPECIAL[2]!] },
    family: 'llama',
    parameterSize: '836K',
    quantization: 'unknown',
    size: 3_368_295,
    blocks: 3,
    heads: 4,
    feedForward: 384,
    memory: Math.round((model.size ?? 3_368_295) * 1.1),
    ...model,
    name: name.short,
  };
  const { capabilities, system, parameters, size } = filled;
  const digest = sha256(JSON.stringify([weightsOf(filled), capabilities, system, parameters, size]));
  return { ...filled, digest, modifiedAt };
}

const FIVE_MINUTES = 300_000;

export function createModels(initial: SimulatedModel[]): Models {
  const installed = new Map<string, Model>();
  const running = new Map<string, Loaded>();

  const models: Models = {
    list: () => [...installed.values()],
    find: (name) => installed.get(nameKey(name)),
    add(model) {
      const completed = complete(model, new Date());
      installed.set(nameKey(model.name), completed);
      return completed;
    },
    remove(name) {
      running.delete(nameKey(name));
      return installed.delete(nameKey(name));
    },
    load(model, keepAlive = FIVE_MINUTES) {
      const key = nameKey(model.name);
      if (running.get(key)?.held) return;
      if (keepAlive === 0) running.delete(key);
      else running.set(key, { model, expiresAt: Date.now() + keepAlive, held: false });
    },
    hold(model) {
      running.set(nameKey(model.name), { model, expiresAt: Date.now() + FIVE_MINUTES, held: true });
    },
    expire(model) {
      const loaded = running.get(nameKey(model.name));
      if (loaded) loaded.expiresAt = Date.now();
    },
    unload(model) {
      running.delete(nameKey(model.name));
    },
    loaded() {
      for (const [key, { expiresAt, held }] of running) {
        if (expiresAt <= Date.now() && !held) running.delete(key);
      }
      return [...running.values()].sort((a, b) => b.expiresAt - a.expiresAt);
    },
  };
  for (const model of initial) models.add(model);
  return models;
}
