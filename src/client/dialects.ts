/** How the two gateways differ on the wire: paths, where options go, and what streams look like. */
import { readNdjson, readSse } from './streams.js';
import type { Gateway } from './types.js';

type Body = Record<string, unknown>;

export interface Dialect {
  models: string;
  generate: string;
  chat: string;
  /** The JSON to send for what the caller gave (without `signal`). */
  body(request: Body): Body;
  readStream<Chunk>(body: ReadableStream<Uint8Array>, signal?: AbortSignal): AsyncIterable<Chunk>;
}

/** What the guide's requests have beside `parameters`; all else is an option of the model and goes into them. */
const FIELDS = new Set([
  'model',
  'prompt',
  'messages',
  'stream',
  'system',
  'suffix',
  'images',
  'format',
  'tools',
  'think',
  'keep_alive',
]);

export const DIALECTS: Record<Gateway, Dialect> = {
  ollama: {
    models: '/ollama/v1/models',
    generate: '/ollama/v1/generate',
    chat: '/ollama/v1/chat',
    body(request) {
      const { parameters, ...fields } = snakeCase(request);
      const entries = Object.entries(fields);
      return {
        ...Object.fromEntries(entries.filter(([name]) => FIELDS.has(name))),
        parameters: Object.assign(
          Object.fromEntries(entries.filter(([name]) => !FIELDS.has(name))),
          parameters,
        ),
      };
    },
    readStream: readNdjson,
  },
  openai: {
    models: '/openai/v1/models',
    generate: '/openai/v1/completions',
    chat: '/openai/v1/chat/completions',
    body: snakeCase,
    readStream: readSse,
  },
};

/** `maxTokens` reads well in JavaScript; on the wire it is `max_tokens`. */
function snakeCase(request: Body): Body {
  return Object.fromEntries(
    Object.entries(request).map(([name, value]) => [
      name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
      value,
    ]),
  );
}
