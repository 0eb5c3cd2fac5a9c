/** As fast as it goes: every connection sends its next request when the last one was answered. */
import { openConnection } from './connection.mjs';

/**
 * @param bytes the request
 * @param status what every answer must have
 * @returns how many were answered in how many seconds, and the milliseconds that each took
 */
export async function closedLoop({ url, bytes, status, connections, milliseconds }) {
  const latencies = [];
  const started = performance.now();
  const end = started + milliseconds;
  const one = async () => {
    const connection = openConnection(url);
    try {
      while (performance.now() < end) {
        const sent = performance.now();
        const answer = await connection.send(bytes);
        if (answer.status !== status) throw new Error(`${answer.status} where ${status} was expected`);
        latencies.push(performance.now() - sent);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { count: latencies.length, seconds: (performance.now() - started) / 1_000, latencies };
}
