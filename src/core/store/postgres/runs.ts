/**
 * Runs: what is asked for in one turn of the event loop, or while others are under way, goes over as one query. Under
 * load most of a small one's cost is the query itself, and its commit.
 */
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { type Answers, LATE } from './answers.js';
import { columns } from './columns.js';
import { type Connection, silent } from './connection.js';
import { createDeadlines } from './deadlines.js';
import { isOfOne } from './failures.js';
import { CARRY_OUT, type Step, valuesOf } from './steps.js';

export interface Runs {
  /**
   * @param read takes the step's answer out of those of its run
   * @param age milliseconds of the deadline that have gone by already
   */
  ask<T>(step: Step, read: (step: Step, answers: Answers) => T, age?: number): Promise<T>;
  /** Waits for calls under way; all later ones are rejected. */
  close(): Promise<void>;
}

interface Job {
  step: Step;
  read: (step: Step, answers: Answers) => unknown;
  /** When the caller gives up, on the clock of `performance.now()`. */
  end: number;
  /** A run of several has failed, and it may have been this one's fault. */
  alone: boolean;
  /** The caller has been told. */
  over: boolean;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Steps of one run: some milliseconds, for which its subjects wait. */
const STEPS = 100;
/** Milliseconds by which a connection's measure of the server's clock may be wrong. */
const SLACK = 100;
/** Runs under way at once: while one commits, another one can work. */
const RUNS = 2;

/** @param now milliseconds since 1970; null for the server's clock */
export function createRuns({ run }: Connection, now: () => number | null): Runs {
  const waiting: Job[] = [];
  const underWay: Job[][] = [];
  const deadlines = createDeadlines(
    () => [waiting, ...underWay].flat(),
    (job) => reject(job, silent()),
  );
  let gathering = false;
  let closed: Promise<void> | undefined;

  function resolve(job: Job, value: unknown): void {
    if (job.over) return;
    job.over = true;
    deadlines.leave();
    job.resolve(value);
  }

  function reject(job: Job, error: unknown): void {
    if (job.over) return;
    job.over = true;
    deadlines.leave();
    job.reject(error);
  }

  function gather(): void {
    if (gathering || underWay.length === RUNS || waiting.length === 0) return;
    gathering = true;
    setImmediate(start);
  }

  function start(): void {
    gathering = false;
    while (underWay.length < RUNS) {
      const jobs = takeRun();
      if (jobs.length === 0) break;
      void carryOut(jobs);
    }
  }

  /**
   * Takes those who wait, in their order, as many as one run may have: no hold twice, nobody of whom a run is under
   * way, and whoever must be alone alone. So what is asked for of one subject is carried out in its order, and runs of
   * one process do not wait for each other's locks.
   */
  function takeRun(): Job[] {
    const later = new Set(underWay.flatMap((jobs) => jobs.map(({ step }) => step.hold.subject)));
    const ids = new Set<string>();
    const taken: Job[] = [];
    const left: Job[] = [];
    let at = 0;
    for (; at < waiting.length && taken.length < STEPS && !taken[0]?.alone; at += 1) {
      const job = waiting[at]!;
      const { id, subject } = job.step.hold;
      if (job.over) continue;
      if (later.has(subject) || ids.has(id) || (job.alone && taken.length > 0)) {
        later.add(subject);
        left.push(job);
      } else {
        ids.add(id);
        taken.push(job);
      }
    }
    waiting.splice(0, at, ...left);
    return taken;
  }

  async function carryOut(jobs: Job[]): Promise<void> {
    underWay.push(jobs);
    const figures = await send(jobs);
    if (figures) tell(jobs, figures);
    underWay.splice(underWay.indexOf(jobs), 1);
    gather();
  }

  /** undefined where the run has failed, and all of it has been seen to. */
  async function send(jobs: Job[]): Promise<(number | null)[] | undefined> {
    let sent = false;
    try {
      const steps = jobs.map(({ step }) => step);
      const values = valuesOf(steps, now());
      sent = true;
      const [row] = await run<{ answers: (number | null)[] }>({
        name: 'parallama_run',
        text: CARRY_OUT,
        valuesAt: (offset) => [...values, deadlinesOf(jobs, offset)],
        end: Math.max(...jobs.map(({ end }) => end)),
        isSuspect: ([answer]) => answer!.answers[0] !== 0 && endOf(jobs) > performance.now() + SLACK,
      });
      return row!.answers;
    } catch (error) {
      // What one of them brought about has undone the others, too: each is tried once more, by itself.
      if (jobs.length > 1 && (!sent || isOfOne(error))) again(jobs, true);
      else for (const job of jobs) reject(job, error);
      return undefined;
    }
  }

  function tell(jobs: Job[], figures: (number | null)[]): void {
    // The first says how many came too late.
    let at = 1;
    const answers: Answers = { next: () => figures[at++]! };
    const late: Job[] = [];
    for (const job of jobs) {
      if (figures[at] === LATE) {
        at += 1;
        late.push(job);
      } else {
        resolve(job, job.read(job.step, answers));
      }
    }
    again(late);
  }

  /** Nothing of them was carried out. */
  function again(jobs: Job[], alone = false): void {
    for (const job of jobs) {
      job.alone ||= alone;
      if (!job.over) waiting.push(job);
    }
  }

  return {
    ask<T>(step: Step, read: (step: Step, answers: Answers) => T, age = 0): Promise<T> {
      if (closed) return Promise.reject(new StoreUnavailable('The store is closed.'));
      const left = STORE_DEADLINE - Math.max(0, age);
      if (left <= 0) return Promise.reject(new StoreUnavailable('The call came too late.'));
      return new Promise((done, failed) => {
        const end = performance.now() + left;
        deadlines.enter(end);
        waiting.push({
          step,
          read,
          end,
          alone: false,
          over: false,
          resolve: done as (value: unknown) => void,
          reject: failed,
        });
        gather();
      });
    },
    close() {
      closed ??= deadlines.whenIdle();
      return closed;
    },
  };
}

/**
 * On the server's clock; only a settlement may be carried out late.
 * @param offset what that clock shows more than `performance.now()` here
 */
function deadlinesOf(jobs: Job[], offset: number): string {
  const deadlines = columns(1);
  for (const { step, end } of jobs) deadlines.add(step.kind === 'settle' ? null : Math.floor(end + offset));
  return deadlines.arrays()[0]!;
}

/** When the first of those that may come too late does so. */
function endOf(jobs: Job[]): number {
  return Math.min(...jobs.map(({ step, end }) => (step.kind === 'settle' ? Number.POSITIVE_INFINITY : end)));
}
