/** A step of quotas: what is asked, of which hold, and how its answer is read. */
import type { Charge, Counter, Extended, Hold, Reserved } from '../port.js';
import { figures } from '../quota.js';

export interface Kind<T> {
  name: 'reserve' | 'extend' | 'renew' | 'end';
  /** True where it must not be carried out when its caller has given up. */
  guarded: boolean;
  /** Whether it counts on the claims of its hold. */
  counts: boolean;
  /** Whether it writes the history. */
  charges: boolean;
  read(reply: unknown): T;
}

export interface Step {
  kind: Kind<unknown>;
  hold: Hold;
  /** As the script of the kind has them. */
  args: string[];
  /** One of `performance.now()`. */
  deadline: number;
  /** False once it has been answered. */
  open: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export const RESERVE: Kind<Reserved> = {
  name: 'reserve',
  guarded: true,
  counts: true,
  charges: false,
  read(reply) {
    const [ok, at, left] = reply as [number, number, number | null];
    if (ok === 0) return { ok: false, at, counters: pairs(reply as number[], 2) };
    return { ok: true, granted: at, left, counters: pairs(reply as number[], 3) };
  },
};

export const EXTEND: Kind<Extended> = {
  name: 'extend',
  guarded: true,
  counts: true,
  charges: false,
  read(reply) {
    if (reply === 'full' || reply === 'gone') return { ok: false, why: reply };
    const [granted, left] = reply as [number, number | null];
    return { ok: true, granted, left };
  },
};

/** False where the hold is gone. */
export const RENEW: Kind<boolean> = {
  name: 'renew',
  guarded: true,
  counts: false,
  charges: false,
  read: (reply) => reply === 1,
};

/** False where there was nothing to end. */
export const END: Kind<boolean> = {
  name: 'end',
  guarded: false,
  counts: true,
  charges: true,
  read: (reply) => reply === 1,
};

/** Counters, each of which is two numbers from `from` on. */
export function pairs(reply: number[], from: number): Counter[] {
  const counters: Counter[] = [];
  for (let at = from; at < reply.length; at += 2) counters.push({ used: reply[at]!, held: reply[at + 1]! });
  return counters;
}

export function textOf(charge: Charge): string {
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = figures(charge);
  return `${requests} ${promptTokens} ${completionTokens} ${errors} ${aborted} ${latencyMs}`;
}
