/** How much a gateway was used in the last minute, and how fast it answered: what `/status` says. */
import { GATEWAYS, type GatewayName } from '../contract.js';

/** Seconds, and buckets. */
const WINDOW = 60;

/** Of the last minute. */
export interface TrafficSum {
  requests: number;
  /** Sum over the requests. */
  milliseconds: number;
}

/** Over the last minute: the mean latency, whole, and the requests a second, to two decimals. */
export interface RecentTraffic {
  latency_ms: number;
  requests_per_second: number;
}

export interface Traffic {
  /** One request took this many milliseconds. */
  note(gateway: GatewayName, milliseconds: number): void;
  sum(gateway: GatewayName): TrafficSum;
  of(gateway: GatewayName): RecentTraffic;
}

interface Bucket extends TrafficSum {
  /** The second that it counts. */
  second: number;
}

/**
 * Constant memory: a bucket for each second of a minute, used again in the next one.
 * @param options.now milliseconds from any start, never going back
 */
export function createTraffic({ now = () => performance.now() }: { now?: () => number } = {}): Traffic {
  const buckets = new Map(GATEWAYS.map((gateway) => [gateway, Array.from({ length: WINDOW }, emptyBucket)]));
  const second = () => Math.floor(now() / 1_000);

  function sum(gateway: GatewayName): TrafficSum {
    const oldest = second() - WINDOW + 1;
    const recent = buckets.get(gateway)!.filter((bucket) => bucket.second >= oldest);
    return {
      requests: recent.reduce((sum, bucket) => sum + bucket.requests, 0),
      milliseconds: recent.reduce((sum, bucket) => sum + bucket.milliseconds, 0),
    };
  }

  return {
    note(gateway, milliseconds) {
      const at = second();
      const bucket = buckets.get(gateway)![at % WINDOW]!;
      if (bucket.second !== at) Object.assign(bucket, emptyBucket(), { second: at });
      bucket.requests += 1;
      bucket.milliseconds += milliseconds;
    },
    sum,
    of: (gateway) => meanTraffic(sum(gateway)),
  };
}

export function meanTraffic({ requests, milliseconds }: TrafficSum): RecentTraffic {
  return {
    latency_ms: requests === 0 ? 0 : Math.round(milliseconds / requests),
    requests_per_second: Math.round((requests / WINDOW) * 100) / 100,
  };
}

const emptyBucket = (): Bucket => ({ second: Number.NEGATIVE_INFINITY, requests: 0, milliseconds: 0 });
