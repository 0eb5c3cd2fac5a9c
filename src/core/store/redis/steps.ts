/**
 * The steps of quotas: those that are asked for in one turn of the event loop go over together, as one run of a script
 * with one ledger. Each has its own deadline and its own answer.
 */
import { type Hold, STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { batches } from './batches.js';
import { isLost, told } from './failure.js';
import type { Bucket, Keys } from './keys.js';
import type { Line, Lines } from './lines.js';
import type { Link } from './link.js';
import { runOf } from './run.js';
import { evaluate, lateAt, placeOf, RUNS } from './script.js';
import type { Kind, Step } from './step.js';
import { STEPS } from './step-script.js';

export interface Steps {
  /**
   * @param args as the script of the kind has them
   * @param patience milliseconds within which a guarded step is carried out, or never
   */
  ask<T>(kind: Kind<T>, hold: Hold, args: string[], patience?: number): Promise<T>;
}

/** Steps in one run: half a millisecond, for which others wait. */
export const MOST = 64;

export function stepsOver(lines: Lines, keys: Keys, now: (() => number) | undefined): Steps {
  let gathered: Step[] = [];

  function send(): void {
    const steps = gathered;
    gathered = [];
    void carryOut(steps);
  }

  async function carryOut(steps: Step[]): Promise<void> {
    let line: Line | undefined;
    const stop = watch(steps, (error) => line && lines.lose(line, error));
    try {
      await lines.load();
      line = lines.current();
      const link = await line.link;
      const runs = divided(link, steps);
      // Nearly always: one run.
      if (runs.length === 1) await carryTogether(steps, line, link);
      else await Promise.all(runs.map((run) => carryTogether(run, line!, link)));
    } catch (error) {
      for (const step of steps) fail(step, error);
    }
    stop();
  }

  /** In a cluster a run has the keys of one bucket. */
  function divided({ clustered }: Link, steps: Step[]): Step[][] {
    if (!clustered) return steps.length <= MOST ? [steps] : [...batches(steps, MOST)];
    const groups = new Map<Bucket, Step[]>();
    for (const step of steps) {
      const bucket = keys.bucketOf(step.hold.subject);
      const group = groups.get(bucket);
      if (group) group.push(step);
      else groups.set(bucket, [step]);
    }
    return [...groups.values()].flatMap((group) => [...batches(group, MOST)]);
  }

  /** Those that were too late by a clock that was not known, or was set, are tried again. */
  async function carryTogether(steps: Step[], line: Line, link: Link): Promise<void> {
    let left = steps;
    try {
      const place = placeOf(link, keys.bucketOf(steps[0]!.hold.subject).leases);
      const late = (deadline: number) => String(Math.floor(line.clock.timeAt(place, deadline)));
      for (let runs = 1; left.length > 0; runs += 1) {
        const run = runOf(left, keys, late);
        const args = ['', String(now?.() ?? ''), ...run.args];
        const replies = (await evaluate(link, STEPS, run.keys, args)) as unknown[];
        left = left.filter((step, at) => {
          const reply = replies[at];
          const time = lateAt(reply);
          if (time === undefined) {
            answer(step, reply, line);
            return false;
          }
          line.clock.learn(place, time);
          if (runs < RUNS && performance.now() < step.deadline) return step.open;
          fail(step, new StoreUnavailable('Redis came to it too late.'));
          return false;
        });
      }
    } catch (error) {
      if (isLost(error)) lines.lose(line, error);
      for (const step of left) fail(step, told(error));
    }
  }

  function answer(step: Step, reply: unknown, line: Line): void {
    if (reply instanceof Error) {
      if (isLost(reply)) lines.lose(line, reply);
      fail(step, told(reply));
      return;
    }
    step.open = false;
    step.resolve(step.kind.read(reply));
  }

  return {
    ask: <T>(kind: Kind<T>, hold: Hold, args: string[], patience = STORE_DEADLINE) =>
      new Promise<T>((resolve, reject) => {
        const deadline = performance.now() + patience;
        gathered.push({
          ...{ kind, hold, args, deadline, open: true },
          resolve: resolve as (value: unknown) => void,
          reject,
        });
        if (gathered.length === 1) setImmediate(send);
      }),
  };
}

function fail(step: Step, error: unknown): void {
  step.open = false;
  step.reject(error);
}

/**
 * Fails those whose deadline passes, with one timer for all.
 * @returns to be called when all have been answered
 */
function watch(steps: Step[], onOverdue: (error: StoreUnavailable) => void): () => void {
  let timer: NodeJS.Timeout | undefined;

  function arm(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { open, deadline } of steps) if (open && deadline < next) next = deadline;
    // A process that was busy itself looks for a reply once more.
    if (next < Number.POSITIVE_INFINITY)
      timer = setTimeout(() => setImmediate(look), next - performance.now());
  }

  function look(): void {
    const time = performance.now();
    const overdue = steps.filter(({ open, deadline }) => open && deadline <= time);
    if (overdue.length > 0) {
      const error = new StoreUnavailable('Redis did not answer in time.');
      onOverdue(error);
      for (const step of overdue) fail(step, error);
    }
    arm();
  }

  arm();
  return () => clearTimeout(timer);
}
