/** The UTC calendar windows that limits are counted in. */

export type WindowName = 'day' | 'hour';

export interface Window {
  name: WindowName;
  /** `2026-11-23` or `2026-11-23T04`. */
  id: string;
  /** Milliseconds since 1970: the first instant after it. */
  end: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The hour that `now` (milliseconds since 1970) falls into, as the history names it: `2026-11-23T04`. */
export function hourOf(now: number): string {
  return new Date(now).toISOString().slice(0, 13);
}

export type Windows = Readonly<Record<WindowName, Readonly<Window>>>;

/** Asked for with every request, and the same for an hour. */
let last: Windows | undefined;

export function windowsAt(now: number): Windows {
  const end = (Math.floor(now / HOUR) + 1) * HOUR;
  if (last?.hour.end === end) return last;
  const id = hourOf(now);
  last = {
    day: { name: 'day', id: id.slice(0, 10), end: (Math.floor(now / DAY) + 1) * DAY },
    hour: { name: 'hour', id, end },
  };
  return last;
}
