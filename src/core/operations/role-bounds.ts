/**
 * What a request may decide for everybody: how long a model stays loaded, and how it is loaded. Only roles that manage
 * models do; for all others such wishes are dropped or cut to size, so that the server's own settings hold.
 */
import { GatewayError } from '../errors.js';
import type { Exchange, NativeCall, NativeRequest } from '../translate/types.js';

/** Options that say how a model lies in memory: changing one loads it anew, for everybody. */
const MACHINE = ['num_batch', 'num_gpu', 'main_gpu', 'use_mmap', 'num_thread', 'draft_num_predict'];

/** Seconds. Less unloads the model as good as at once, more keeps it as good as for ever. */
const KEEP_ALIVE = { least: 1, most: 86_400 };

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

function boundKeepAlive(request: NativeRequest, load: boolean): NativeRequest {
  const { keep_alive } = request;
  if (keep_alive === undefined) return request;
  const seconds = secondsOf(keep_alive);
  if (seconds >= KEEP_ALIVE.least && seconds <= KEEP_ALIVE.most) return request;
  if (load && seconds >= 0 && seconds < KEEP_ALIVE.least) {
    throw new GatewayError('forbidden', {
      message: 'Your role does not allow unloading models.',
      param: 'keep_alive',
    });
  }
  const { keep_alive: _, ...rest } = request;
  return rest;
}

function boundOptions(request: NativeRequest, maxContext: number | undefined): NativeRequest {
  if (request.options === undefined || !isAboutMachine(request.options)) return request;
  const { options, ...rest } = request;
  const left = Object.fromEntries(Object.entries(options).filter(([name]) => !MACHINE.includes(name)));
  if (maxContext !== undefined && typeof left.num_ctx === 'number') {
    left.num_ctx = Math.min(left.num_ctx, maxContext);
  }
  return { ...rest, ...(Object.keys(left).length > 0 ? { options: left } : {}) };
}

function isAboutMachine(options: NonNullable<NativeRequest['options']>): boolean {
  for (const name in options) if (name === 'num_ctx' || MACHINE.includes(name)) return true;
  return false;
}

/**
 * The exchange as a role may ask for it that does not manage models.
 * @param maxContext the largest `num_ctx`; undefined for any
 * @throws GatewayError forbidden where it does nothing but unload a model
 */
export function boundByRole(exchange: Exchange, maxContext: number | undefined): Exchange {
  const bound = ({ request }: NativeCall) =>
    boundOptions(boundKeepAlive(request, exchange.load ?? false), maxContext);
  const requests = exchange.calls.map(bound);
  // Nearly always: nothing had to be bounded.
  if (exchange.calls.every(({ request }, i) => request === requests[i])) return exchange;
  return { ...exchange, calls: exchange.calls.map((call, i) => ({ ...call, request: requests[i]! })) };
}
