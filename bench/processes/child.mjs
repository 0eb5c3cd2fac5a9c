import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * What every process of the benchmark's own does: say where it is, end with the one that started it, and tell what is
 * alive in its heap when it is asked.
 */
export function ready(message) {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ count }) => count && process.send({ alive: aliveBytes() }));
  process.send(message);
}

/** After a full collection. */
function aliveBytes() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
