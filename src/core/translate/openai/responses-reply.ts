/** `POST /openai/v1/responses`: the answer, whole and streamed. */
import { type GatewayError, openaiError } from '../../errors.js';
import { SSE_HEADERS, SSE_HEARTBEAT, sseEvent } from '../sse.js';
import type { NativeAnswer, ReplyContext, StreamEncoder } from '../types.js';
import { type ResponseEvent, responseRun } from './responses-events.js';
import type { ResponseOptions } from './responses-object.js';

export function responseReply([answer]: NativeAnswer[], context: ReplyContext, options: ResponseOptions) {
  const run = responseRun(context, options);
  run.write(answer?.value ?? {});
  run.end();
  return run.object();
}

/** OpenAI's codes for a failed response are few; a fault of ours is `server_error`. */
function failureOf(error: GatewayError): { code: string; message: string } {
  const { code, message } = openaiError(error);
  return { code: error.status < 500 && code !== null ? code : 'server_error', message };
}

/** Numbered events, from `response.created` to exactly one that ends it. There is no `[DONE]`. */
export function responseStream(context: ReplyContext, options: ResponseOptions): StreamEncoder {
  const run = responseRun(context, options);
  let sequence = 0;
  let begun = false;

  const written = (events: ResponseEvent[]) =>
    events
      .map(({ type, ...rest }) => {
        sequence += 1;
        return sseEvent({ type, sequence_number: sequence - 1, ...rest }, type);
      })
      .join('');

  /** The first events go out with whatever comes first, a failure included. */
  function begin(): string {
    if (begun) return '';
    begun = true;
    return written(run.begin());
  }

  return {
    headers: SSE_HEADERS,
    heartbeat: SSE_HEARTBEAT,
    write: (_call, chunk) => begin() + written(run.write(chunk)),
    end: () => begin() + written(run.end()),
    fail: (error) => begin() + written(run.fail(failureOf(error))),
  };
}
