/**
 * Closes connections whose client stands still: one that sends no more of its request, or takes no more of its answer.
 *
 * Node's own timer tells, which sees each byte that moves. It is set for those alone that are found to keep us waiting:
 * set for every request, it took 3 % of the rate of short ones.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createCrowd, type Member } from '../core/crowd.js';

interface Watched extends Member {
  req: IncomingMessage;
  res: ServerResponse;
  /** Milliseconds. */
  timeout: number;
}

/** Milliseconds that a client may keep us waiting before it is timed. */
const LOOK_EVERY = 500;

const watched = createCrowd<Watched>();
let looking: NodeJS.Timeout | undefined;

/**
 * @param timeout milliseconds in which nothing moves
 * @returns to be called when the answer is over
 */
export function watchStandstill(req: IncomingMessage, res: ServerResponse, timeout: number): () => void {
  const one: Watched = { req, res, timeout };
  watched.enter(one);
  looking ??= setInterval(look, LOOK_EVERY).unref();
  return () => watched.leave(one);
}

function look(): void {
  for (const one of watched.all()) {
    if (!isAwaited(one)) continue;
    watched.leave(one);
    one.res.setTimeout(one.timeout, () => {
      if (isAwaited(one)) one.res.destroy();
    });
  }
  if (watched.size > 0) return;
  clearInterval(looking);
  looking = undefined;
}

/** A client may wait for a model as long as it likes, but not keep us waiting. */
const isAwaited = ({ req, res }: Watched) => !req.complete || res.writableLength > 0;
