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

/** The day first: where both refuse, the longer wait is the one to tell. */
export function windowsAt(now: number): Windows {
  const hour = hourOf(now);
  return {
    day: { name: 'day', id: hour.slice(0, 10), end: (Math.floor(now / DAY) + 1) * DAY },
    hour: { name: 'hour', id: hour, end: (Math.floor(now / HOUR) + 1) * HOUR },
  };
}

/** As {@link windowsAt}, worked out once an hour: for who asks with every request. */
export function rememberedWindows(): (now: number) => Windows {
  let last: Windows | undefined;
  return (now) => {
    const left = (last?.hour.end ?? 0) - now;
    if (!last || left <= 0 || left > HOUR) last = windowsAt(now);
    return last;
  };
}
