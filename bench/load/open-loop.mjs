/**
 * At a fixed rate, whatever becomes of the answers: a request never waits for another, it takes a free connection or
 * opens one. So a slow answer hides none that came after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection } from './connection.mjs';

/**
 * @param until what to look for in the answer; where given, latency is until it came
 * @returns the milliseconds that each answer took, and how late each request was sent, which is the generator's own
 */
export async function openLoop({ url, bytes, status, rate, milliseconds, until }) {
  const free = [];
  const all = new Set();
  const latencies = [];
  const late = [];
  const running = new Set();
  let failure;

  async function one(due) {
    const connection = free.pop() ?? openConnection(url);
    all.add(connection);
    const sent = performance.now();
    late.push(sent - due);
    let found;
    const onBytes =
      until &&
      ((piece) => {
        if (found === undefined && piece.includes(until)) found = performance.now() - sent;
      });
    const answer = await connection.send(bytes, onBytes);
    if (answer.status !== status) throw new Error(`${answer.status} where ${status} was expected`);
    if (until && found === undefined) throw new Error(`No ${until} in the answer`);
    latencies.push(found ?? performance.now() - sent);
    free.push(connection);
  }

  const started = performance.now();
  const total = Math.floor((milliseconds * rate) / 1_000);
  for (let i = 0; i < total && !failure; ) {
    const now = performance.now();
    for (; i < total && started + (i * 1_000) / rate <= now; i += 1) {
      const request = one(started + (i * 1_000) / rate)
        .catch((error) => {
          failure = error;
        })
        .finally(() => running.delete(request));
      running.add(request);
    }
    await sleep(1);
  }
  await Promise.all(running);
  for (const connection of all) connection.close();
  if (failure) throw failure;
  return { latencies, late };
}
