/**
 * Lines to Redis: one is made by the first call that needs it, and another when it is lost. Who has sent something down
 * a line that was given up may still wait for its reply there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_DEADLINE, StoreUnavailable } from '../port.js';
import { type ServerClock, serverClock } from './clock.js';
import type { Link, Linker } from './link.js';

/** A link and what goes with it. */
export interface Line {
  link: Promise<Link>;
  /** Open, and since when. */
  opened?: { link: Link; at: number };
  clock: ServerClock;
  /** Destroys its sockets. */
  end: AbortController;
}

export interface Lines {
  /** Of the server that was reached last. */
  notice(): string | undefined;
  /** Loads the code that lines need, once: on a busy machine this takes long, and says nothing of the server. */
  load(): Promise<unknown>;
  /**
   * The line for what is sent now.
   * @throws StoreUnavailable where the last attempt to connect has just failed
   */
  current(): Line;
  /** Told of a call that has failed where another line may fare better. */
  lose(line: Line, error: unknown): void;
  /** Calls that wait, and all later ones, are rejected. */
  close(): void;
}

/** Milliseconds between attempts to connect: doubled from the first to the second. */
const REST = [20, 1_000] as const;
/** A line is not given up for a failing part of its cluster more often than this. */
const LEAST_LIFE = 1_000;

export function linesBy(linker: Linker): Lines {
  const lines = new Set<Line>();
  /** Lines without new calls, until those under way have ended. */
  const leaving = new Set<Line>();
  let current: Line | undefined;
  let notice: string | undefined;
  let closed = false;
  let failures = 0;
  let rest: { until: number; error: unknown } | undefined;

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

  return {
    notice: () => notice,
    load: () => linker.load(),
    current() {
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
    },
    lose(line, error) {
      if (!line.opened) abandon(line, error);
      else if (!line.opened.link.isOpen() || performance.now() - line.opened.at > LEAST_LIFE) leave(line);
    },
    close() {
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
