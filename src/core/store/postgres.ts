/**
 * PostgreSQL, through node-postgres: for gateways on several machines that share one database.
 */
import type { Store } from './port.js';
import { addressOf, type PostgresOptions } from './postgres/address.js';
import { connect } from './postgres/connection.js';
import { history } from './postgres/history.js';
import { quotas } from './postgres/quotas.js';
import { records } from './postgres/records.js';
import { createRuns } from './postgres/runs.js';

const BEAT = `INSERT INTO meta (name, value) VALUES ('health', now_ms($1))
  ON CONFLICT (name) DO UPDATE SET value = excluded.value`;

/**
 * A store in a schema of its own of a PostgreSQL database (12 or newer), which the first call makes. Calls reject with
 * StoreUnavailable where the server cannot be reached, refuses the login or does not answer in time, and with another
 * Error where the package pg is missing or a newer Parallama has written the tables.
 *
 * It needs sessions of its own: directly, or through a pooler that gives them.
 * @throws Error where the URL cannot be read
 *
 * @example
 * const store = postgres({ url: 'postgres://parallama@db.example:5432/parallama', password });
 */
export function postgres({ now: clock, ...options }: PostgresOptions): Store {
  const address = addressOf(options);
  const connection = connect(address);
  const now = () => clock?.() ?? null;
  const runs = createRuns(connection, now);
  return {
    kind: 'postgres',
    place: address.place,
    ...records(connection, now),
    ...quotas(connection, runs, now),
    ...history(connection),
    async health() {
      await connection.query(BEAT, [now()]);
    },
    async close() {
      await runs.close();
      await connection.close();
    },
  };
}
