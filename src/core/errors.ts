/**
 * Every error that a client can see: one table of codes, one class, a renderer per dialect.
 */
import type { Dialect, GatewayResponse, ResponseHeaders } from './contract.js';

interface Kind {
  status: number;
  /** OpenAI's `error.type`. */
  type: string;
  /** OpenAI's `error.code`. */
  code: string | null;
  message: string;
}

const kind = (status: number, type: string, code: string | null, message: string): Kind => ({
  status,
  type,
  code,
  message,
});

const BAD = 'invalid_request_error';

/** Types and codes are OpenAI's where OpenAI has them, as seen by its own clients. */
export const KINDS = {
  invalid_json: kind(400, BAD, null, 'The body is not valid JSON.'),
  missing_body: kind(400, BAD, null, 'The request has no body.'),
  missing_field: kind(400, BAD, 'missing_required_parameter', 'A required field is missing.'),
  invalid_value: kind(400, BAD, 'invalid_value', 'A field has a value that is not allowed.'),
  invalid_type: kind(400, BAD, 'invalid_type', 'A field has the wrong type.'),
  unsupported_parameter: kind(400, BAD, 'unsupported_parameter', 'The model does not support a parameter.'),
  context_length_exceeded: kind(400, BAD, 'context_length_exceeded', 'The prompt is too long for the model.'),
  bad_encoding: kind(400, BAD, null, 'The body could not be decompressed.'),
  upstream_refused: kind(400, BAD, null, 'The model server refused the request.'),
  bad_host: kind(400, BAD, 'bad_host', 'The request needs one Host header, with a name and a port.'),
  no_key: kind(
    401,
    BAD,
    null,
    "You didn't provide an API key. Send one in an Authorization header using Bearer auth (Authorization: Bearer YOUR_KEY).",
  ),
  invalid_key: kind(401, BAD, 'invalid_api_key', 'Incorrect API key provided.'),
  invalid_token: kind(401, BAD, 'invalid_token', 'The access token is not valid.'),
  expired_token: kind(401, BAD, 'token_expired', 'The access token has expired.'),
  invalid_login: kind(401, BAD, 'invalid_credentials', 'Wrong username or password.'),
  invalid_refresh_token: kind(401, BAD, 'invalid_refresh_token', 'The refresh token is not valid.'),
  forbidden: kind(403, BAD, 'forbidden', 'Your role does not allow this.'),
  host_not_allowed: kind(403, BAD, 'host_not_allowed', 'This server does not answer to that name.'),
  origin_not_allowed: kind(
    403,
    BAD,
    'origin_not_allowed',
    'Pages of this origin may not use accounts here. An operator can add it to server.cors.origins.',
  ),
  registration_closed: kind(403, BAD, 'registration_closed', 'Registration is closed on this server.'),
  model_not_allowed: kind(403, BAD, 'model_not_found', 'Your role does not allow this model.'),
  model_not_found: kind(
    404,
    BAD,
    'model_not_found',
    'The model does not exist or you do not have access to it.',
  ),
  unknown_url: kind(404, BAD, null, 'Invalid URL.'),
  not_found: kind(404, BAD, 'not_found', 'Not found.'),
  method_not_allowed: kind(405, BAD, 'method_not_supported', 'This method is not allowed here.'),
  request_timeout: kind(408, BAD, 'request_timeout', 'The body did not arrive in time.'),
  conflict: kind(409, BAD, 'conflict', 'This exists already.'),
  too_large: kind(413, BAD, 'request_too_large', 'The body is larger than this server accepts.'),
  misread_body: kind(
    415,
    BAD,
    'unsupported_media_type',
    'The body was read as a form, and is to be JSON. Send it with the header content-type: application/json.',
  ),
  unsupported_encoding: kind(415, BAD, 'unsupported_encoding', 'This content encoding is not supported.'),
  too_many_requests: kind(429, 'requests', 'rate_limit_exceeded', 'Request limit reached.'),
  too_many_tokens: kind(429, 'tokens', 'rate_limit_exceeded', 'Token limit reached.'),
  too_many_logins: kind(429, 'requests', 'too_many_attempts', 'Too many failed attempts.'),
  client_gone: kind(499, 'client_error', 'client_closed_request', 'The client closed the connection.'),
  internal: kind(500, 'server_error', null, 'The server had an error while processing your request.'),
  upstream_unavailable: kind(
    502,
    'server_error',
    'upstream_unavailable',
    'The model server cannot be reached.',
  ),
  upstream_error: kind(502, 'server_error', 'upstream_error', 'The model server failed.'),
  model_output_error: kind(
    502,
    'server_error',
    'model_output_error',
    'The model gave an answer that cannot be read.',
  ),
  store_unavailable: kind(
    503,
    'service_unavailable_error',
    'store_unavailable',
    'The service is temporarily unavailable. Please try again.',
  ),
  upstream_busy: kind(
    503,
    'service_unavailable_error',
    'server_is_overloaded',
    'The model server is busy. Please try again.',
  ),
  gateway_disabled: kind(
    503,
    'service_unavailable_error',
    'gateway_disabled',
    'This gateway is switched off.',
  ),
  upstream_timeout: kind(504, 'server_error', 'upstream_timeout', 'The model server did not answer in time.'),
} as const satisfies Record<string, Kind>;

export type ErrorKind = keyof typeof KINDS;

export interface ErrorDetails {
  /** Replaces the kind's own words. Never names an upstream host, a file or a stack. */
  message?: string;
  /** The field that was wrong, as a path: `messages[0].content`. */
  param?: string;
  headers?: ResponseHeaders;
  cause?: unknown;
}

/** Not where the host app has frozen what JavaScript comes with. */
const canLimitTraces = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;

/** An error that is the client's to see. Anything else that is thrown is a bug and is answered as 500. */
export class GatewayError extends Error {
  readonly kind: ErrorKind;
  readonly status: number;
  readonly param: string | null;
  readonly headers: ResponseHeaders;

  constructor(kind: ErrorKind, details: ErrorDetails = {}) {
    const { message, status } = KINDS[kind];
    const { stackTraceLimit } = Error;
    // Where it was found that a client has erred helps nobody, and refusing should cost little.
    const traced = status >= 500 || !canLimitTraces;
    if (!traced) Error.stackTraceLimit = 0;
    super(details.message ?? message, details.cause === undefined ? undefined : { cause: details.cause });
    if (!traced) Error.stackTraceLimit = stackTraceLimit;
    this.name = 'GatewayError';
    this.kind = kind;
    this.status = status;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
  }
}

/** OpenAI's error object, without the `error` around it. */
export interface OpenAIError {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

export function openaiError(error: GatewayError): OpenAIError {
  const { type, code } = KINDS[error.kind];
  return { message: error.message, type, param: error.param, code };
}

const render: Record<Dialect, (error: GatewayError) => unknown> = {
  openai: (error) => ({ error: openaiError(error) }),
  // Ollama's clients want a string there, and read anything else as "[object Object]".
  ollama: (error) => ({ error: error.message }),
};

export function errorBody(error: GatewayError, dialect: Dialect): string {
  return JSON.stringify(render[dialect](error));
}

export function errorResponse(error: GatewayError, dialect: Dialect): GatewayResponse {
  return {
    status: error.status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...error.headers },
    body: errorBody(error, dialect),
  };
}
