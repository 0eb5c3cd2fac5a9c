/** What a native request says where the client's does not. */
import type { ModelOptions } from '../config.js';
import type { Exchange, NativeEndpoint, NativeRequest } from '../translate/types.js';

/** The operator's own settings for a model, under the client's name for it: they hold where a request says nothing. */
export function withModelOptions(exchange: Exchange, settings: ModelOptions | undefined): Exchange {
  if (settings === undefined) return exchange;
  const thinks = exchange.endpoint === '/api/chat' || exchange.endpoint === '/api/generate';
  const { options, think, keep_alive, truncate } = settings;
  const own = {
    ...(think !== undefined && thinks ? { think } : {}),
    ...(keep_alive !== undefined ? { keep_alive } : {}),
    ...(truncate !== undefined ? { truncate } : {}),
  };
  const fill = (request: NativeRequest): NativeRequest => ({
    ...own,
    ...request,
    ...(options ? { options: { ...options, ...request.options } } : {}),
  });
  return { ...exchange, calls: exchange.calls.map((call) => ({ ...call, request: fill(call.request) })) };
}

/** Embeddings are cut, as they are by Ollama's own OpenAI side. */
const CUT: readonly NativeEndpoint[] = ['/api/embed', '/api/embeddings'];

/**
 * OpenAI's clients are told of a prompt that is too long (400, `context_length_exceeded`), where Ollama by itself would
 * cut it and answer to the rest. Requests and the operator's settings can ask for the cut.
 */
export function withoutSilentCut(exchange: Exchange): Exchange {
  if (exchange.load || CUT.includes(exchange.endpoint)) return exchange;
  const calls = exchange.calls.map((call) => ({ ...call, request: { truncate: false, ...call.request } }));
  return { ...exchange, calls };
}
