/** Whether what a process keeps has stopped growing. */

export interface Reading {
  /** Milliseconds from the start. */
  at: number;
  value: number;
}

export interface Trend {
  /** Medians: of the second third of the time, and of the last. The first third warms up. */
  before: number;
  after: number;
  /** The most that `after` may be. */
  allowed: number;
  /** Least squares over the last two thirds, an hour. */
  slope: number;
  flat: boolean;
}

/** What may be more at the end: a share of it, and a fixed amount. */
export interface Slack {
  factor: number;
  more: number;
}

export function trendOf(readings: Reading[], { factor, more }: Slack): Trend {
  const third = Math.floor(readings.length / 3);
  if (third === 0) throw new Error('Three readings are the least that a trend can be told from.');
  const later = readings.slice(third);
  const before = median(later.slice(0, -third));
  const after = median(later.slice(-third));
  const allowed = before * factor + more;
  return { before, after, allowed, slope: slopeOf(later) * 3_600_000, flat: after <= allowed };
}

export function median(readings: Reading[]): number {
  const values = readings.map(({ value }) => value).sort((a, b) => a - b);
  const middle = Math.floor(values.length / 2);
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

/** Of value per millisecond. */
function slopeOf(readings: Reading[]): number {
  const mean = (of: (reading: Reading) => number) =>
    readings.reduce((sum, reading) => sum + of(reading), 0) / readings.length;
  const at = mean((reading) => reading.at);
  const value = mean((reading) => reading.value);
  const spread = mean((reading) => (reading.at - at) ** 2);
  return spread === 0 ? 0 : mean((reading) => (reading.at - at) * (reading.value - value)) / spread;
}
