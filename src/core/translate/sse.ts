/** Server-sent events, as the HTML standard has them and OpenAI's clients read them. */

/**
 * Headers of an event stream. `no-transform` keeps a host's compression from collecting events until a block is full,
 * the last one keeps nginx from it.
 */
export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Ends OpenAI's chat and completion streams. */
export const SSE_DONE = 'data: [DONE]\n\n';

/**
 * A comment line, which keeps idle connections open. No empty line after it: openai-go takes each empty line for the end
 * of an event, and fails on one without data. No word either: some readers take `ping` for the end of the stream.
 */
export const SSE_HEARTBEAT = ':\n';

/** One event. JSON never holds a raw line feed, so that `data` is always one line. */
export function sseEvent(data: unknown, event?: string): string {
  const json = JSON.stringify(data);
  return event === undefined ? `data: ${json}\n\n` : `event: ${event}\ndata: ${json}\n\n`;
}
