/** The UTC calendar windows that limits are counted in. */

export const WINDOWS = ['day', 'hour'] as const;
export type WindowName = (typeof WINDOWS)[number];

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

/** The day first: where both refuse, the longer wait is the one to tell. */
export function windowsAt(now: number): Record<WindowName, Window> {
  const hour = hourOf(now);
  return {
    day: { name: 'day', id: hour.slice(0, 10), end: (Math.floor(now / DAY) + 1) * DAY },
    hour: { name: 'hour', id: hour, end: (Math.floor(now / HOUR) + 1) * HOUR },
  };
}
