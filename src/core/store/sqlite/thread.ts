/** What runs on the store's thread: it carries out the calls that come over, and answers them. */
import { parentPort, workerData } from 'node:worker_threads';
import { StoreUnavailable } from '../port.js';
import { sqlite } from '../sqlite.js';
import { packReserved, unpackReserve, unpackSettle } from './packed.js';
import type { Answer, Call } from './thread-calls.js';
import type { Served } from './threaded.js';

const port = parentPort!;
const store = sqlite(workerData as { path: string });
const served: Served = {
  ...store,
  reserve: async (packed) => packReserved(await store.reserve(...unpackReserve(packed))),
  settle: (packed) => store.settle(...unpackSettle(packed)),
};
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
    const carryOut = served[method as keyof Served] as (...args: unknown[]) => Promise<unknown>;
    carryOut(...args).then(
      (value) => answer(id, 'value', value),
      (error: unknown) =>
        error instanceof StoreUnavailable
          ? answer(id, 'unavailable', error.message, error.cause)
          : answer(id, 'error', error),
    );
  }
});
