/**
 * Bounds what a request decides for everybody: how a model is loaded, how long it stays loaded, and which template
 * renders its prompts. Roles that manage models are not bounded. For all others such fields are dropped or cut, so that
 * the server's own settings hold.
 */
import { GatewayError } from '../errors.js';
import type { Exchange, NativeCall, NativeRequest } from '../translate/types.js';

/** Options that Ollama applies when it loads a model: another value reloads the model for all users. */
const LOAD_OPTIONS = ['num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'];

/** A shorter `keep_alive` unloads the model while others use it. */
const MIN_KEEP_ALIVE_SECONDS = 1;

/** The operator's bounds: `api_gateways.ollama.max_num_ctx` and `keep_alive_max`. */
export interface RoleBounds {
  /** Tokens. */
  maxContext: number;
  /** Seconds. */
  maxKeepAlive: number;
}

const UNITS: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3_600,
};

/** A Go duration is `5m`, `1h30m`, `-1s`; a number is of seconds. */
function secondsOf(keepAlive: number | string): number {
  if (typeof keepAlive === 'number') return keepAlive;
  let seconds = 0;
  for (const [, count, unit] of keepAlive.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    seconds += Number(count) * UNITS[unit!]!;
  }
  return keepAlive.startsWith('-') ? -seconds : seconds;
}

function boundKeepAlive(request: NativeRequest, load: boolean, most: number): NativeRequest {
  const { keep_alive } = request;
  if (keep_alive === undefined) return request;
  const seconds = secondsOf(keep_alive);
  if (seconds >= MIN_KEEP_ALIVE_SECONDS && seconds <= most) return request;
  // Ollama takes a negative duration for one without an end.
  if (seconds < 0 || seconds > most) return { ...request, keep_alive: most };
  if (load) {
    throw new GatewayError('forbidden', {
      message: 'Your role does not allow unloading models.',
      param: 'keep_alive',
    });
  }
  const { keep_alive: _, ...rest } = request;
  return rest;
}

function boundOptions(request: NativeRequest, maxContext: number): NativeRequest {
  if (request.options === undefined || !areBounded(request.options)) return request;
  const { options, ...rest } = request;
  const left = Object.fromEntries(Object.entries(options).filter(([name]) => !LOAD_OPTIONS.includes(name)));
  if (typeof left.num_ctx === 'number') left.num_ctx = Math.min(left.num_ctx, maxContext);
  return { ...rest, ...(Object.keys(left).length > 0 ? { options: left } : {}) };
}

function areBounded(options: NonNullable<NativeRequest['options']>): boolean {
  for (const name in options) if (name === 'num_ctx' || LOAD_OPTIONS.includes(name)) return true;
  return false;
}

/** Since Ollama 0.30 `shift` is applied when a model is loaded, like the options. */
function withoutShift(request: NativeRequest): NativeRequest {
  if (request.shift === undefined) return request;
  const { shift: _, ...rest } = request;
  return rest;
}

/** A template can make a prompt of any size out of a short request, in the memory of the model server. */
function refuseTemplate({ template }: NativeRequest): void {
  if (template === undefined || template === '') return;
  throw new GatewayError('forbidden', {
    message: "Your role does not allow 'template'. Leave it out, or send a rendered prompt with 'raw'.",
    param: 'template',
  });
}

/**
 * The exchange as a role may ask for it that does not manage models.
 * @throws GatewayError forbidden where it only unloads a model, or brings its own template
 */
export function boundByRole(exchange: Exchange, { maxContext, maxKeepAlive }: RoleBounds): Exchange {
  const bound = ({ request }: NativeCall) => {
    refuseTemplate(request);
    const kept = boundKeepAlive(request, exchange.load ?? false, maxKeepAlive);
    return withoutShift(boundOptions(kept, maxContext));
  };
  const requests = exchange.calls.map(bound);
  // Nearly always: nothing had to be bounded.
  if (exchange.calls.every(({ request }, i) => request === requests[i])) return exchange;
  return { ...exchange, calls: exchange.calls.map((call, i) => ({ ...call, request: requests[i]! })) };
}
