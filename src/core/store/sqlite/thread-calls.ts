/**
 * Calls to a thread. What is asked for in one turn of the event loop goes over together, so that it shares a
 * transaction there.
 */
import { Worker } from 'node:worker_threads';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';

export type Call = [id: number, method: string, args: unknown[]];
/** An error loses its class on the way; the store's own (`unavailable`) is told by its words. */
export type Answer = [id: number, how: 'value' | 'error' | 'unavailable', what: unknown, cause?: unknown];

type Methods<T> = { [K in keyof T]: (...args: never[]) => Promise<unknown> };

export interface Thread<T extends Methods<T>> {
  ask<K extends keyof T & string>(method: K): T[K];
  /** Calls that wait, and all later ones, are rejected. */
  close(): Promise<void>;
}

interface Waiting {
  since: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Milliseconds. The thread keeps the store's own deadline; this is for one that hangs. */
const PATIENCE = 2 * STORE_DEADLINE;
const LOOK_EVERY = 500;

/**
 * The thread is started by the first call, and again by the next one after it has died.
 * @param program the text of a CommonJS module, which is given `data`
 */
export function openThread<T extends Methods<T>>(program: string, data: object): Thread<T> {
  let worker: Worker | undefined;
  let looking: NodeJS.Timeout | undefined;
  /** A new thread does. */
  let holds = true;
  let closed = false;
  let calls: Call[] = [];
  /** By id. No Map, which would keep what was asked for longer than it is needed. */
  const waiting: (Waiting | undefined)[] = [];
  const free: number[] = [];

  function start(): Worker {
    const started = new Worker(program, {
      eval: true,
      workerData: data,
      name: 'parallama-store',
      execArgv: [],
    });
    started.on('message', (answers: Answer[]) => {
      // One that is taken for dead says nothing to those who came later.
      if (started !== worker) return;
      for (const answer of answers) answered(answer);
    });
    started.on('error', (error) => die(started, error));
    started.on('exit', () => die(started));
    holds = true;
    looking = setInterval(endOverdue, LOOK_EVERY).unref();
    return started;
  }

  function die(who: Worker, cause?: unknown): void {
    if (who !== worker) return;
    worker = undefined;
    clearInterval(looking);
    for (const id of waiting.keys()) tell([id, 'unavailable', 'The thread of the store has ended.', cause]);
    waiting.length = 0;
    free.length = 0;
    calls = [];
  }

  /** The id is not free before this: the thread may answer after we have given up. */
  function answered(answer: Answer): void {
    tell(answer);
    if (free.push(answer[0]) === waiting.length) hold(false);
  }

  /** Somebody who waits keeps the process alive, the thread by itself does not. */
  function hold(alive: boolean): void {
    if (alive === holds) return;
    holds = alive;
    if (alive) worker?.ref();
    else worker?.unref();
  }

  function tell([id, how, what, cause]: Answer): void {
    const one = waiting[id];
    waiting[id] = undefined;
    if (!one) return;
    if (how === 'value') one.resolve(what);
    else if (how === 'error') one.reject(what);
    else one.reject(new StoreUnavailable(String(what), { cause }));
  }

  function send(): void {
    const sent = calls;
    calls = [];
    if (sent.length === 0) return;
    try {
      worker ??= start();
    } catch (cause) {
      const words = 'The thread of the store cannot be started.';
      for (const [id] of sent) answered([id, 'unavailable', words, cause]);
      return;
    }
    hold(true);
    try {
      worker.postMessage(sent);
    } catch {
      // Something among the arguments cannot be sent: the others can.
      for (const call of sent) sendAlone(worker, call);
    }
  }

  function sendAlone(to: Worker, call: Call): void {
    try {
      to.postMessage([call]);
    } catch (error) {
      answered([call[0], 'error', error]);
    }
  }

  function endOverdue(): void {
    const now = performance.now();
    waiting.forEach((one, id) => {
      if (!one || now - one.since <= PATIENCE) return;
      tell([id, 'unavailable', `The thread of the store has not answered for ${PATIENCE} ms.`]);
    });
  }

  function call(method: string, args: unknown[]): Promise<unknown> {
    if (closed) return Promise.reject(new StoreUnavailable('The store is closed.'));
    return new Promise((resolve, reject) => {
      const id = free.pop() ?? waiting.length;
      waiting[id] = { since: performance.now(), resolve, reject };
      if (calls.push([id, method, args]) === 1) setImmediate(send);
    });
  }

  return {
    ask: <K extends keyof T & string>(method: K) =>
      ((...args: unknown[]) => call(method, args)) as unknown as T[K],
    async close() {
      if (closed) return;
      const last = worker || calls.length > 0 ? call('close', []) : undefined;
      closed = true;
      // A thread that hangs or has died is closed by being ended.
      await last?.catch(() => undefined);
      await worker?.terminate();
    },
  };
}
