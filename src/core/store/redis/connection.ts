/**
 * Calls to Redis, each by itself: every one answers or rejects within its deadline, and a late reply never reaches
 * another call.
 */
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { isLost, told } from './failure.js';
import type { Line, Lines } from './lines.js';
import type { Link } from './link.js';
import { evaluate, lateAt, placeOf, RUNS, type Script } from './script.js';

export interface Connection {
  /** Runs a command where `key` lives. */
  send(key: string, command: string[]): Promise<unknown>;
  /**
   * Runs a script on keys of one hash tag. One that is guarded is carried out within the deadline or never.
   */
  run(script: Script, keys: string[], args: (string | number)[]): Promise<unknown>;
}

export function connect(lines: Lines, now: (() => number) | undefined): Connection {
  const call = async <T>(work: (link: Link, line: Line) => Promise<T>): Promise<T> => {
    await lines.load();
    const line = lines.current();
    const attempt = async () => {
      const link = await line.link;
      try {
        return await work(link, line);
      } catch (error) {
        if (isLost(error)) lines.lose(line, error);
        throw told(error);
      }
    };
    return within(STORE_DEADLINE, attempt, () => {
      const error = new StoreUnavailable(`Redis did not answer within ${STORE_DEADLINE} ms.`);
      lines.lose(line, error);
      return error;
    });
  };

  return {
    send: (key, command) => call((link) => link.send(key, command)),
    run(script, keys, args) {
      const deadline = performance.now() + STORE_DEADLINE;
      return call(async (link, { clock }) => {
        const place = placeOf(link, keys[0]!);
        for (let runs = 1; ; runs += 1) {
          const refuse = script.guarded ? String(Math.floor(clock.timeAt(place, deadline))) : '';
          try {
            return await evaluate(link, script, keys, [refuse, String(now?.() ?? ''), ...args.map(String)]);
          } catch (error) {
            const time = lateAt(error);
            if (time === undefined) throw error;
            if (runs === RUNS || performance.now() >= deadline)
              throw new StoreUnavailable('Redis came to it too late.');
            clock.learn(place, time);
          }
        }
      });
    },
  };
}

function within<T>(patience: number, work: () => Promise<T>, giveUp: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    // A process that was busy itself looks for a reply once more.
    const timer = setTimeout(() => setImmediate(() => pending && reject(giveUp())), patience);
    let pending = true;
    work()
      .finally(() => {
        pending = false;
        clearTimeout(timer);
      })
      .then(resolve, reject);
  });
}
