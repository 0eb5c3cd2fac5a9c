/** The suite of each driver has this test, too: here it is for the table. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '../../../src/core/store/open.js';
import { folder } from '../../store/folder.js';
import { collect, EVER } from '../../store/suite.js';
import { useWorkers } from '../../store/workers.js';
import { startPostgres } from '../../support/services/postgres.js';
import { startRedis } from '../../support/services/redis.js';
import { report } from '../report.js';

const ATTEMPTS = 2_000;
const LIMIT = 1_000;
const KEYS = ['requests:hour', 'requests:day', 'tokens:hour', 'tokens:day'];

const servers = {
  sqlite: async () => ({ url: `sqlite:${join(folder(), 'store.db')}`, stop: async () => undefined }),
  redis: () => startRedis(),
  'redis cluster': () => startRedis({ cluster: true }),
  postgres: () => startPostgres(),
};

export function proveAdmission(kind: keyof typeof servers): void {
  const { start, result } = useWorkers();

  it('admits exactly the limit to four processes', async () => {
    const server = await servers[kind]();
    onTestFinished(() => server.stop());
    const counts = await Promise.all(
      [1, 2, 3, 4].map(() => result(start('hammer', server.url, ATTEMPTS, LIMIT))),
    );
    expect(counts.reduce((sum: number, count) => sum + Number(count), 0)).toBe(LIMIT);
    const store = await openStore(server.url);
    onTestFinished(() => store.close());
    const [requests, tokens] = [
      { used: LIMIT, held: 0 },
      { used: 3 * LIMIT, held: 0 },
    ];
    expect(await store.counters('ann', KEYS)).toEqual([requests, requests, tokens, tokens]);
    expect(await collect(store.usage(EVER))).toMatchObject([{ requests: LIMIT, promptTokens: 3 * LIMIT }]);
    report(
      `4 processes x ${ATTEMPTS.toLocaleString('en-US')} attempts against ${LIMIT.toLocaleString('en-US')}`,
      kind,
      `${LIMIT.toLocaleString('en-US')} admitted; all four counters and the history exact`,
    );
  }, 120_000);
}
