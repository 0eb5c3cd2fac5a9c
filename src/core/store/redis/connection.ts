/**
 * The connection to Redis, made by the first call that needs it and made anew when it is lost: every call answers or
 * rejects within its deadline, and a late reply never reaches another call.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { type ServerClock, serverClock } from './clock.js';
import { isLost, replyCode, told } from './failure.js';
import type { Link, Linker } from './link.js';
import { lateAt, type Script } from './script.js';

export interface Connection {
  /** Of the server that was reached last. */
  notice(): string | undefined;
  /** Runs a command where `key` lives. */
  send(key: string, command: string[]): Promise<unknown>;
  /**
   * Runs a script on keys of one hash tag. One that is guarded is carried out within `patience` milliseconds or never.
   */
  run(script: Script, keys: string[], args: (string | number)[], patience?: number): Promise<unknown>;
  /** Calls that wait, and all later ones, are rejected. */
  close(): Promise<void>;
}

/** A link and what goes with it. */
interface Line {
  link: Promise<Link>;
  /** Open, and since when. */
  opened?: { link: Link; at: number };
  clock: ServerClock;
  /** Destroys its sockets. */
  end: AbortController;
}

/** Milliseconds between attempts to connect: doubled from the first to the second. */
const REST = [20, 1_000] as const;
/** A line is not given up for a failing part of its cluster more often than this. */
const LEAST_LIFE = 1_000;
/** The first run may be there to learn the server's clock. */
const RUNS = 3;

export function connect(linker: Linker, now: (() => number) | undefined): Connection {
  const lines = new Set<Line>();
  /** Lines without new calls, until those under way have ended. */
  const leaving = new Set<Line>();
  let current: Line | undefined;
  let notice: string | undefined;
  let closed = false;
  let failures = 0;
  let rest: { until: number; error: unknown } | undefined;

  const use = (): Line => {
    if (closed) throw new StoreUnavailable('The store is closed.');
    if (current?.opened && !current.opened.link.isOpen()) leave(current);
    if (current) return current;
    if (rest && performance.now() < rest.until) throw rest.error;
    const end = new AbortController();
    const line: Line = { link: opening(linker, end.signal), clock: serverClock(), end };
    lines.add(line);
    current = line;
    line.link.then(
      (link) => {
        line.opened = { link, at: performance.now() };
        notice = link.notice;
        failures = 0;
        rest = undefined;
      },
      (error: unknown) => abandon(line, error),
    );
    return line;
  };

  /** Later calls take another line; those under way may still come to their end. */
  const leave = (line: Line): void => {
    if (current === line) current = undefined;
    if (!lines.delete(line)) return;
    leaving.add(line);
    void sleep(STORE_DEADLINE, undefined, { ref: false }).then(() => {
      leaving.delete(line);
      line.end.abort();
    });
  };
  /** For a line that could not be opened: there is a rest before the next attempt. */
  const abandon = (line: Line, error: unknown): void => {
    if (current !== line) return;
    const [first, most] = REST;
    rest = { until: performance.now() + Math.min(most, first * 2 ** failures), error };
    failures += 1;
    leave(line);
  };

  const lose = (line: Line, error: unknown): void => {
    if (!line.opened) abandon(line, error);
    else if (!line.opened.link.isOpen() || performance.now() - line.opened.at > LEAST_LIFE) leave(line);
  };

  const call = async <T>(work: (link: Link, line: Line) => Promise<T>, patience: number): Promise<T> => {
    // On a busy machine this takes long, and says nothing of the server.
    await linker.load();
    const line = use();
    const attempt = async () => {
      const link = await line.link;
      try {
        return await work(link, line);
      } catch (error) {
        if (isLost(error)) lose(line, error);
        throw told(error);
      }
    };
    return within(patience, attempt, () => {
      const error = new StoreUnavailable(`Redis did not answer within ${Math.round(patience)} ms.`);
      lose(line, error);
      return error;
    });
  };

  const run: Connection['run'] = (script, keys, args, patience = STORE_DEADLINE) => {
    const deadline = performance.now() + patience;
    return call(async (link, { clock }) => {
      const place = link.clustered ? tagOf(keys[0]!) : '';
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
    }, patience);
  };

  return {
    notice: () => notice,
    send: (key, command) => call((link) => link.send(key, command), STORE_DEADLINE),
    run,
    async close() {
      closed = true;
      for (const line of [...lines, ...leaving]) line.end.abort();
      lines.clear();
      leaving.clear();
      current = undefined;
    },
  };
}

/** Whoever waits for a link is told when it has come to its end. */
function opening({ open }: Linker, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new StoreUnavailable('The connection to Redis was closed.'));
    signal.addEventListener('abort', ended, { once: true });
    open(signal).then(resolve, reject);
  });
}

async function evaluate(
  link: Link,
  { sha, source }: Script,
  keys: string[],
  args: string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await link.send(keys[0]!, ['EVALSHA', sha, ...rest]);
  } catch (error) {
    if (replyCode(error) !== 'NOSCRIPT') throw error;
    return link.send(keys[0]!, ['EVAL', source, ...rest]);
  }
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

/** The part of a key that decides where in a cluster it lives. */
function tagOf(key: string): string {
  return /\{(.+?)\}/.exec(key)?.[1] ?? key;
}
