/** `POST /ollama/v1/generate`, the guide's own shape. */
import { chunkText, chunkThinking } from '../chunk.js';
import {
  type ReadOptions,
  readFormat,
  readImages,
  readKeepAlive,
  readModel,
  readThink,
} from '../native/common.js';
import { maxTokensOf, orNothing } from '../native/options.js';
import type { Exchange, NativeChunk, NativeRequest } from '../types.js';
import { usageOf } from '../usage.js';
import { fields, type JsonObject, present, readBoolean, readString } from '../validate.js';
import { needed, readParameters } from './common.js';
import { guideStream } from './stream.js';

/** `thinking` beside the text, where the model thought. */
const thoughts = (chunk: NativeChunk): JsonObject => present({ thinking: chunkThinking(chunk) || undefined });

function spoken(chunk: NativeChunk): JsonObject | undefined {
  const text = chunkText(chunk);
  const said = { text, ...thoughts(chunk) };
  return text === '' && Object.keys(said).length === 1 ? undefined : said;
}

/**
 * Reads `{ model?, prompt, parameters? }`; `system`, `images`, `format`, `think` and `keep_alive` as in Ollama.
 * The answer is `{ text, usage }`, whole unless `stream` is true.
 * @throws GatewayError 400 that names the field
 */
export function readGuideGenerate(body: unknown, options: ReadOptions = {}): Exchange {
  const from = fields(body);
  const model = readModel(from, options);
  const prompt = needed(from, 'prompt', readString(from, 'prompt'));
  const system = readString(from, 'system');
  const images = readImages(from);
  const parameters = readParameters(from);
  const request: NativeRequest = {
    model,
    prompt,
    ...present({
      system,
      format: readFormat(from),
      images,
      options: orNothing(parameters),
      think: readThink(from),
      keep_alive: readKeepAlive(from),
    }),
  };
  return {
    endpoint: '/api/generate',
    model,
    calls: [{ request }],
    stream: readBoolean(from, 'stream') ?? false,
    maxTokens: maxTokensOf(parameters),
    whole([answer]) {
      const value = answer?.value ?? {};
      return { text: chunkText(value), ...thoughts(value), usage: usageOf([value]) };
    },
    encoder: () => guideStream(spoken, { text: '' }),
  };
}
