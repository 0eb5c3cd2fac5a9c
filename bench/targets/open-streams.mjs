import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection } from '../load/connection.mjs';
import { callOf } from '../measure.mjs';
import { residentOf } from '../processes/usage.mjs';
import { spread } from '../statistics.mjs';
import longStream from '../work/long-stream.mjs';

const STREAMS = 1_000;
/** Milliseconds between two tokens of a stream. */
const PACE = 1_000;
const SETTLING = 5_000;
const EVERY = 500;

export default {
  name: 'target-open-streams',
  async measure({ cast, upstream, options }) {
    const gateway = await cast.fresh('installed');
    upstream.tell({ pace: PACE });
    const idle = residentOf(gateway.pid);
    const { url, bytes, status } = callOf(longStream, gateway);
    const connections = Array.from({ length: STREAMS }, () => openConnection(url));
    let holding = true;
    let failure;
    // One that has come to its end begins anew.
    const streams = connections.map(async (connection) => {
      try {
        while (holding) {
          const answer = await connection.send(bytes);
          if (answer.status !== status) throw new Error(`${answer.status} where ${status} was expected`);
        }
      } catch (error) {
        if (holding) failure = error;
      }
    });
    await sleep(Math.min(SETTLING, options.hold * 1_000));

    const resident = [];
    const before = await gateway.alive();
    const end = performance.now() + options.hold * 1_000;
    while (performance.now() < end && !failure) {
      resident.push(residentOf(gateway.pid));
      await sleep(EVERY);
    }
    const after = await gateway.alive();
    holding = false;
    for (const connection of connections) connection.close();
    await Promise.all(streams);
    if (failure) throw failure;

    const third = Math.ceil(resident.length / 3);
    const growth = spread(resident.slice(-third)).median - spread(resident.slice(0, third)).median;
    return [
      {
        what: `${STREAMS.toLocaleString('en')} open streams: resident memory`,
        note: `started as the installed unit does; ${Math.round(idle)} MB without`,
        measured: spread(resident),
        unit: 'MB',
        atMost: 200,
      },
      {
        what: `The same, growth from the first to the last third of ${options.hold} s`,
        measured: spread([growth]),
        unit: 'MB',
        // What a collector leaves lying about.
        atMost: 10,
      },
      {
        what: `The same, growth of what is alive after a full collection, in ${options.hold} s`,
        note: `${Math.round(before)} MB at first`,
        measured: spread([after - before]),
        unit: 'MB',
        atMost: 2,
      },
    ];
  },
};
