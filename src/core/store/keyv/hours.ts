const HOUR = 3_600_000;

/** The number of the hour since 1970 that a time (in milliseconds) falls into. */
export function hourOf(time: number): number {
  return Math.floor(time / HOUR);
}
