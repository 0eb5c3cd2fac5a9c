/**
 * `parallama/translate`: the gateway's translation between OpenAI, the guide's dialect and Ollama, as pure functions
 * without I/O, for tests and gateways of your own.
 *
 * A reader makes an {@link Exchange} of a client's JSON: native requests to send, and how their answers become the
 * client's.
 *
 * @example
 * import { collector, lineSplitter, parseChunk, readChatCompletion } from 'parallama/translate'
 *
 * const exchange = readChatCompletion({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hello!' }] })
 * const context = { model: 'gpt-4', renamed: true, created: Math.floor(Date.now() / 1000) }
 * const [{ request }] = exchange.calls
 * const answer = await fetch('http://127.0.0.1:11434' + exchange.endpoint, {
 *   method: 'POST',
 *   body: JSON.stringify({ ...request, model: 'llama2:70b', stream: true }),
 * })
 * const lines = lineSplitter()
 * const whole = collector()
 * for await (const bytes of answer.body) for (const line of lines.push(Buffer.from(bytes))) whole.write(parseChunk(line))
 * exchange.whole([{ value: whole.value() }], context) // { object: 'chat.completion', ... }
 */
export type { Dialect } from '../contract.js';
export {
  chunkText,
  chunkThinking,
  chunkToolCalls,
  isDone,
  type TokenCounts,
  tokenCounts,
} from './chunk.js';
export { readGuideChat } from './guide/chat.js';
export { readGuideGenerate } from './guide/generate.js';
export { type GuideModel, guideModels } from './guide/models.js';
export { goJson, parseExact } from './json.js';
export { isCloudModel, modelOwner, normaliseModel, sameModel } from './model-name.js';
export { matchesModel } from './model-pattern.js';
export { readNativeChat } from './native/chat.js';
export { type Collector, collector } from './native/collect.js';
export type { ReadOptions } from './native/common.js';
export { readNativeEmbed, readNativeEmbeddings } from './native/embed.js';
export { readNativeGenerate } from './native/generate.js';
export { type FinalCounts, lengthChunk } from './native/length-chunk.js';
export { renameModel } from './native/relay.js';
export { readNativeShow, type ShowRequest } from './native/show.js';
export { type LineSplitter, lineSplitter, MAX_LINE, parseChunk } from './ndjson.js';
export { readChatCompletion } from './openai/chat-request.js';
export { readCompletion } from './openai/completions.js';
export { readEmbeddings } from './openai/embeddings.js';
export {
  type ModelSources,
  modelNames,
  type OpenAIModel,
  openaiModel,
  openaiModels,
} from './openai/models.js';
export { readResponse } from './openai/responses-request.js';
export { sseEvent } from './sse.js';
export type * from './types.js';
export { streamError, type UpstreamContext, upstreamError } from './upstream-error.js';
