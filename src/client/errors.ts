/** What a failed call throws: the gateway's own words, and what a program needs to decide what to do. */
export interface ParallamaErrorDetails {
  status?: number;
  code?: string;
  type?: string;
  param?: string;
  retryAfter?: number;
  cause?: unknown;
}

/**
 * Thrown by every method of the client. An abort by the caller's own signal is thrown as `fetch` throws it.
 *
 * @example
 * try {
 *   await client.chat({ model: 'llama2', messages });
 * } catch (error) {
 *   if (error instanceof ParallamaError && error.status === 429) await wait(error.retryAfter);
 * }
 */
export class ParallamaError extends Error {
  /** HTTP status; absent where there was no answer, or where a stream failed after it had begun. */
  readonly status: number | undefined;
  /**
   * The gateway's code (`rate_limit_exceeded`, `model_not_found`, ...), or one of the client's own:
   * `connection_error`, `stream_truncated`, `invalid_answer`.
   */
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** The field of the request that was wrong: `messages[0].content`. */
  readonly param: string | undefined;
  /** Seconds to wait before another try. */
  readonly retryAfter: number | undefined;

  constructor(message: string, details: ParallamaErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ParallamaError';
    this.status = details.status;
    this.code = details.code;
    this.type = details.type;
    this.param = details.param;
    this.retryAfter = details.retryAfter;
  }
}

/** The error of an answer that is not 2xx. */
export async function errorOfResponse(response: Response): Promise<ParallamaError> {
  const text = await response.text().catch(() => '');
  const details = { status: response.status, retryAfter: seconds(response.headers.get('retry-after')) };
  return (
    errorOfBody(parsed(text), details) ??
    new ParallamaError(`The server answered ${response.status}.`, details)
  );
}

/** Reads both dialects: Ollama's `{"error": "text"}` and OpenAI's `{"error": {"message", ...}}`. */
export function errorOfBody(body: unknown, details: ParallamaErrorDetails = {}): ParallamaError | undefined {
  const error = field(body, 'error');
  if (typeof error === 'string') return new ParallamaError(error, details);
  const message = field(error, 'message');
  if (typeof message !== 'string') return undefined;
  return new ParallamaError(message, {
    ...details,
    code: text(field(error, 'code')),
    type: text(field(error, 'type')),
    param: text(field(error, 'param')),
  });
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
function seconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const value = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(value) ? undefined : Math.max(0, Math.ceil(value));
}
