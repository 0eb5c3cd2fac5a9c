/** The operator's own settings for a model, under the client's name for it: they hold where a request says nothing. */
import type { ModelOptions } from '../config.js';
import type { Exchange, NativeRequest } from '../translate/types.js';

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
