import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Hold } from '../../../src/core/store/port.js';
import type { JournalEntry } from '../../../src/core/usage/journal.js';
import { startFleet } from '../fleet.js';
import { type Kind, startPlace } from '../places.js';
import { report } from '../report.js';

/** So many that a process is killed in the middle of them. */
const ENTRIES: Record<Kind, number> = { sqlite: 20_000, redis: 10_000, postgres: 3_000 };

export function proveJournal(kind: Kind): void {
  it('applies a journal exactly once, also after a crash while it was being applied', async () => {
    const place = await startPlace(kind);
    onTestFinished(() => place.stop());
    const { start, servers, member, history, counters, admin, journal, stop } = await startFleet({
      place,
      gateways: 0,
    });
    onTestFinished(() => stop());
    const user = await member('journaled');
    const entries = Array.from({ length: ENTRIES[kind] }, (_, at) => entryOf(user.id, at));
    // As a process leaves it that died while it applied it, some entries further.
    for (const { hold, charge } of entries.slice(0, 100)) await admin.store.settle(hold, charge);
    const file = join(journal, 'usage-1-00000000.journal.00000000.replay');
    await mkdir(journal, { recursive: true });
    await writeFile(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));

    const first = await start();
    const countedBy = async () => (await history(user)).requests;
    for (const end = performance.now() + 20_000; performance.now() < end && (await countedBy()) <= 100; ) {
      await sleep(1);
    }
    first.kill('SIGKILL');
    await first.exited;
    const between = await countedBy();
    expect(between).toBeGreaterThan(100);
    expect(between).toBeLessThan(entries.length);
    expect(existsSync(file)).toBe(true);

    servers.push(await start());
    for (const end = performance.now() + 60_000; performance.now() < end && existsSync(file); )
      await sleep(50);
    expect(existsSync(file)).toBe(false);
    expect(await history(user)).toMatchObject({ requests: entries.length, tokens: 3 * entries.length });
    expect((await counters(user)).tokens).toEqual({ used: 3 * entries.length, held: 0 });
    report(
      'Journal applied once, its process killed in the middle',
      kind,
      `killed after ${between} of ${entries.length}; then exactly ${entries.length}`,
    );
  }, 120_000);
}

function entryOf(subject: string, at: number): JournalEntry {
  const hour = new Date().toISOString().slice(0, 13);
  const expiresAt = Date.now() + 2 * 86_400_000;
  const hold: Hold = {
    id: `journaled-${at}`,
    subject,
    claims: [{ key: `openai:tokens:day:${hour.slice(0, 10)}`, counts: 'tokens', max: null, expiresAt }],
    usage: { gateway: 'openai', model: 'gpt-4', hour },
  };
  const charge = {
    requests: 1,
    promptTokens: 1,
    completionTokens: 2,
    errors: 0,
    aborted: 0,
    latencyMs: 5,
  } as const;
  return { hold, charge };
}
