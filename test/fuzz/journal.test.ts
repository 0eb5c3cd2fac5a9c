/** Journals that a crash, a full disk or somebody's hand has damaged. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createJournal, type JournalEntry } from '../../src/core/usage/journal.js';
import { edge } from './support/json.js';
import { checkAsync } from './support/runs.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const entry = (id: number) =>
  JSON.stringify({
    hold: { id: `entry-${id}`, subject: 'u', claims: [] },
    charge: { requests: 1, promptTokens: 1, completionTokens: 1, errors: 0, aborted: 0, latencyMs: 1 },
  });

test('every whole entry is applied once, and every other line is kept', async () => {
  const line = fc.oneof(
    fc.nat(9).map(entry),
    fc.tuple(fc.nat(9), fc.nat(150)).map(([id, end]) => entry(id).slice(0, end)),
    edge,
    fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
  );
  const property = fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
    await writeFile(join(directory, 'usage-1-x.journal.y.replay'), lines.map((each) => `${each}\n`).join(''));
    const applied: string[] = [];
    const settle = async (one: JournalEntry) => void applied.push(JSON.stringify(one));
    const journal = createJournal(directory);
    const told = await journal.replay(settle).catch(String);
    expect(await journal.replay(settle)).toBe(0);

    const aside = join(directory, 'usage-1-x.unreadable');
    const kept = (await readdir(directory)).length === 0 ? '' : await readFile(aside, 'utf8');
    await rm(aside, { force: true });
    const whole = lines.filter((each) => /^\{"hold":.*\}\}$/.test(each));
    expect(applied).toEqual(whole);
    expect(kept.split('\n').filter(Boolean)).toEqual(
      lines.filter((each) => each !== '' && !whole.includes(each)),
    );
    if (kept === '') expect(told).toBe(whole.length);
    else expect(told).toContain('cannot be read');
  });
  await checkAsync(property, 100);
});
