/**
 * What a client is told when Ollama refuses or fails: the status it would have, the client's own name for the model,
 * and never a host, a path or a link of the server's account.
 */
import type { Dialect } from '../contract.js';
import { type ErrorKind, GatewayError } from '../errors.js';
import type { NativeChunk, NativeEndpoint } from './types.js';
import { isObject } from './validate.js';

export interface UpstreamContext {
  /** The client's name for the model. */
  model: string;
  dialect: Dialect;
  /** The name the upstream was asked with, where it is another: replaced wherever it is mentioned. */
  upstreamModel?: string;
  /** Says which field was too long. */
  endpoint?: NativeEndpoint;
}

const CONTEXT_TOO_LONG =
  /exceeds the available context|longer than the context length|input length exceeds|exceeds maximum context|exceed_context_size/i;
const UNSUPPORTED = /does not support ([a-z]+)/i;
const MODEL_NOT_FOUND = /\bmodel\b.*\bnot found\b/is;
const QUEUE_FULL = /server busy|maximum pending requests/i;
const TOOL_CALL_UNREADABLE = 'error parsing tool call';

/** Signs of hosts, files, digests and accounts; and Go's own words, which help nobody. */
const UNSAFE = [
  /:\/\//,
  /(?:^|[\s"'`=(:,])(?:~?\/|[a-z]:\\)[^\s/\\]/i,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b|\blocalhost\b|\[[0-9a-f]*:[0-9a-f:]*\]/i,
  /\b(?:dial|lookup|tcp|no such host|connection refused|signin|sign in|sha256|goroutine)\b/i,
];
const GO_TYPES = /\bGo (?:struct|value)\b/;

const PARAMS: Record<string, Record<Dialect, string>> = {
  tools: { openai: 'tools', ollama: 'tools' },
  thinking: { openai: 'reasoning_effort', ollama: 'think' },
  insert: { openai: 'suffix', ollama: 'suffix' },
  images: { openai: 'messages', ollama: 'messages' },
};

const LONG_FIELD: Record<NativeEndpoint, string> = {
  '/api/chat': 'messages',
  '/api/generate': 'prompt',
  '/api/embed': 'input',
  '/api/embeddings': 'prompt',
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Characters of an error that are read; patterns are held against them. */
const MOST_WORDS = 8_192;

/** The words in an error value. llama-server's JSON comes to us as a string within the string. */
function wordsIn(error: unknown, depth = 0): string | undefined {
  if (typeof error === 'string') {
    const inner = depth < 2 && error.trimStart().startsWith('{') ? parsed(error) : undefined;
    return (
      (isObject(inner) ? wordsIn(inner.error ?? inner.message, depth + 1) : undefined) ??
      error.slice(0, MOST_WORDS)
    );
  }
  if (isObject(error) && depth < 4) return wordsIn(error.message ?? error.error, depth + 1);
  return undefined;
}

/** A model's name as Ollama writes it: bare, or with the registry and tag that it goes by. */
function mentions(name: string): RegExp {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    `(?<![\\w.-])(?:registry\\.ollama\\.ai/)?(?:library/)?${escaped}(?::latest)?(?![\\w-])`,
    'gi',
  );
}

/** The upstream's own words with the client's model name, or undefined where they say too much. */
function safeWords(text: string, { model, upstreamModel, dialect }: UpstreamContext): string | undefined {
  if (UNSAFE.some((sign) => sign.test(text))) return undefined;
  if (dialect === 'openai' && GO_TYPES.test(text)) return undefined;
  if (upstreamModel === undefined || upstreamModel === model) return text;
  return text.replace(mentions(upstreamModel), () => model);
}

function notFound(text: string, { model, dialect }: UpstreamContext): GatewayError {
  // Ollama quotes the name in one way for chat and in another for embeddings.
  const quote = text.includes('"') ? '"' : "'";
  const advice = /try pulling it first/.test(text) ? ', try pulling it first' : '';
  const message =
    dialect === 'ollama'
      ? `model ${quote}${model}${quote} not found${advice}`
      : `The model \`${model}\` does not exist or you do not have access to it.`;
  return new GatewayError('model_not_found', { message, param: 'model' });
}

/** Errors that are told by their words: the same before and in the middle of a stream. */
function byWords(text: string, context: UpstreamContext): GatewayError | undefined {
  if (CONTEXT_TOO_LONG.test(text)) {
    return new GatewayError('context_length_exceeded', {
      message: safeWords(text, context),
      param: LONG_FIELD[context.endpoint ?? '/api/chat'],
    });
  }
  if (text.startsWith(TOOL_CALL_UNREADABLE)) {
    // The model may well do better the next time.
    return new GatewayError('model_output_error', { headers: { 'x-should-retry': 'true' } });
  }
  if (QUEUE_FULL.test(text)) return busy();
  return undefined;
}

/** For the operator: Ollama says 403, and no word more, to a Host that is not its own and to Origins it does not know. */
const closed = (status: number) =>
  new Error(`the model server answered ${status}: check OLLAMA_HOST and OLLAMA_ORIGINS, or its account`);

const busy = () => new GatewayError('upstream_busy', { headers: { 'retry-after': '2' } });

function refused(text: string, context: UpstreamContext): GatewayError {
  const said = UNSUPPORTED.exec(text)?.[1]?.toLowerCase();
  const capability = said === 'multimodal' ? 'images' : said;
  if (capability !== undefined) {
    return new GatewayError('unsupported_parameter', {
      message: `"${context.model}" does not support ${capability}`,
      param: PARAMS[capability]?.[context.dialect] ?? 'model',
    });
  }
  return new GatewayError('upstream_refused', { message: safeWords(text, context) });
}

const BY_STATUS: Record<number, ErrorKind> = {
  413: 'too_large',
  // It has given the request up; the client has not, or would not be told.
  499: 'upstream_error',
  504: 'upstream_timeout',
};

/**
 * The client's error for an upstream answer that is not 200.
 *
 * 400 and 404 stay what they are; 401 and 403 are the gateway's own trouble with the upstream, so that the client
 * sees 502, as for 500 and for text that is no JSON; 503 stays 503 with `retry-after`.
 *
 * @example
 * upstreamError(404, '{"error":"model \'llama2:70b\' not found"}', { model: 'gpt-4', dialect: 'openai' })
 * // 404 model_not_found: The model `gpt-4` does not exist or you do not have access to it.
 */
export function upstreamError(status: number, bodyText: string, context: UpstreamContext): GatewayError {
  const body = parsed(bodyText);
  const text = isObject(body) ? wordsIn(body.error ?? body.message) : undefined;
  if (status === 401 || status === 403) return new GatewayError('upstream_error', { cause: closed(status) });
  if (status === 503 || status === 429) return busy();
  const kind = BY_STATUS[status];
  if (kind !== undefined) return new GatewayError(kind);
  if (text === undefined) {
    return new GatewayError(status === 400 ? 'upstream_refused' : 'upstream_error');
  }
  if (status === 404) {
    return MODEL_NOT_FOUND.test(text) ? notFound(text, context) : new GatewayError('upstream_error');
  }
  const known = byWords(text, context);
  if (known) return known;
  // 501: embeddings of a model that is for chat.
  if (status === 400 || status === 422 || status === 501) return refused(text, context);
  return new GatewayError('upstream_error', { message: safeWords(text, context) });
}

/**
 * The error that a line of a running stream carries, or undefined for any other line.
 * Old versions wrote `{"error parsing tool call": "..."}`, without an `error` (ollama#11781).
 */
export function streamError(
  chunk: NativeChunk,
  context: UpstreamContext = { model: '', dialect: 'ollama' },
): GatewayError | undefined {
  if (Object.hasOwn(chunk, TOOL_CALL_UNREADABLE)) return byWords(TOOL_CALL_UNREADABLE, context);
  if (chunk.error === undefined || chunk.error === null) return undefined;
  const text = wordsIn(chunk.error);
  if (text === undefined || text === '') return new GatewayError('upstream_error');
  return byWords(text, context) ?? new GatewayError('upstream_error', { message: safeWords(text, context) });
}
