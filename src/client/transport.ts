/** One HTTP call to the gateway: JSON in, a good response out, or a ParallamaError. */
import { errorOfResponse, ParallamaError } from './errors.js';

export interface Call {
  method: 'GET' | 'POST';
  /** From the gateway's root: `/ollama/v1/models`. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
}

/** Rejects with {@link ParallamaError} where the answer is not 2xx or does not come. */
export type Send = (call: Call, bearer?: string) => Promise<Response>;

export function createSend(baseUrl: string, fetch: typeof globalThis.fetch): Send {
  const root = baseUrl.replace(/\/+$/, '');
  return async ({ method, path, body, signal }, bearer) => {
    const headers: Record<string, string> = {};
    if (bearer !== undefined) headers.authorization = `Bearer ${bearer}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(root + path, { method, headers, body: JSON.stringify(body), signal }).catch(
      (cause) => {
        throw signal?.aborted ? cause : connectionError(`Cannot reach ${root}.`, cause);
      },
    );
    if (!response.ok) throw await errorOfResponse(response);
    return response;
  };
}

export async function readJson<T>(response: Response, signal?: AbortSignal): Promise<T> {
  const text = await response.text().catch((cause) => {
    throw signal?.aborted ? cause : connectionError('The connection broke during the answer.', cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { status } = response;
    throw new ParallamaError('The answer is not JSON: is this a Parallama server?', {
      status,
      code: 'invalid_answer',
      cause,
    });
  }
}

const connectionError = (message: string, cause: unknown) =>
  new ParallamaError(message, { code: 'connection_error', cause });
