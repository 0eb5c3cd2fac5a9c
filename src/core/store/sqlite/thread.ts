/** What runs on the store's thread: it carries out the calls that come over, and answers them. */
import { parentPort, workerData } from 'node:worker_threads';
import { StoreUnavailable } from '../port.js';
import { sqlite } from '../sqlite.js';
import type { Answer, Call } from './thread-calls.js';
import type { Served } from './threaded.js';

const port = parentPort!;
const store: Served = sqlite(workerData as { path: string });
let answers: Answer[] = [];

/** What one transaction has done goes back together. */
function answer(...said: Answer): void {
  if (answers.push(said) > 1) return;
  process.nextTick(() => {
    port.postMessage(answers);
    answers = [];
  });
}

port.on('message', (calls: Call[]) => {
  for (const [id, method, args] of calls) {
    const carryOut = store[method as keyof Served] as (...args: unknown[]) => Promise<unknown>;
    carryOut(...args).then(
      (value) => answer(id, { value }),
      (error: unknown) =>
        answer(
          id,
          error instanceof StoreUnavailable ? { unavailable: error.message, cause: error.cause } : { error },
        ),
    );
  }
});
