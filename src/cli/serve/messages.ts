/** What the primary process and its workers say to each other. */
import type { MetricsSnapshot } from '../../core/observe/metrics.js';

/** Where a worker listens. */
export interface Listening {
  url: string;
  port: number;
  /** For the operator, at start. */
  notices: string[];
}

export type ToPrimary =
  | { is: 'listening'; listening: Listening }
  /** The metrics of all are wanted, for a scrape that came to this worker. */
  | { is: 'gather'; id: number }
  | { is: 'report'; id: number; snapshot: MetricsSnapshot }
  /** The last figures of a worker that ends. */
  | { is: 'last'; snapshot: MetricsSnapshot };

export type ToWorker =
  | { is: 'stop' }
  | { is: 'reopen' }
  /** The worker's own metrics are wanted. */
  | { is: 'report'; id: number }
  | { is: 'gathered'; id: number; snapshots: MetricsSnapshot[] };
