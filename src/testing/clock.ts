/** Times as Ollama writes them, and pauses that end when the client leaves. */
import { setImmediate, setTimeout } from 'node:timers/promises';

/** RFC 3339 with nanoseconds, trailing zeros left out: `2026-11-23T01:26:14.760993555Z`. */
export function timestamp(
  date = new Date(),
  nanoseconds = Number(process.hrtime.bigint() % 1_000_000n),
): string {
  const [seconds, rest] = date.toISOString().split('.') as [string, string];
  const fraction = `${rest.slice(0, 3)}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** Nanoseconds that have passed since it was made; never zero. */
export function stopwatch(): () => number {
  const start = process.hrtime.bigint();
  return () => Math.max(1, Number(process.hrtime.bigint() - start));
}

/** Waits, and comes back early when the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Comes back when the signal is aborted. */
export function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Waits so that the waits add up to what was asked for, though each timer is late. Always lets others run.
 */
export function metronome(signal: AbortSignal): (milliseconds: number) => Promise<void> {
  let due = performance.now();
  return async (milliseconds) => {
    due = Math.max(due + milliseconds, milliseconds > 0 ? 0 : performance.now());
    const left = due - performance.now();
    if (left > 0.5) await pause(left, signal);
    else await setImmediate();
  };
}
