import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Charge, type Hold, StoreUnavailable } from '../../src/core/store/port.js';
import { memory } from '../../src/core/store/sqlite.js';
import { createJournal, type JournalEntry } from '../../src/core/usage/journal.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const charge: Charge = {
  requests: 1,
  promptTokens: 3,
  completionTokens: 4,
  errors: 0,
  aborted: 0,
  latencyMs: 10,
};
const entry = (id: string): JournalEntry => ({
  hold: {
    id,
    subject: 'u',
    claims: [
      { key: 'openai:tokens:hour:2026-11-23T04', counts: 'tokens', max: null, expiresAt: Date.now() + 1e8 },
    ],
    usage: { gateway: 'openai', model: 'm', hour: '2026-11-23T04' },
  } satisfies Hold,
  charge,
});

test('what was appended is applied once, and the file is gone', async () => {
  const journal = createJournal(directory);
  journal.append(entry('a'));
  journal.append(entry('b'));
  const seen: string[] = [];
  const settle = async ({ hold }: JournalEntry) => void seen.push(hold.id);
  expect(await journal.replay(settle)).toBe(2);
  expect(await journal.replay(settle)).toBe(0);
  expect(seen).toEqual(['a', 'b']);
  expect(await readdir(directory)).toEqual([]);
});

test('while the store is away everything is kept, and applied when it is back', async () => {
  const journal = createJournal(directory);
  journal.append(entry('a'));
  const away = () => Promise.reject(new StoreUnavailable('away'));
  await expect(journal.replay(away)).rejects.toThrow('away');
  journal.append(entry('b'));
  const seen: string[] = [];
  expect(await journal.replay(async ({ hold }) => void seen.push(hold.id))).toBe(2);
  expect(seen.toSorted()).toEqual(['a', 'b']);
});

test('a replay that a crash cut short is found again, and its entries count once', async () => {
  const store = memory();
  await store.settle(entry('a').hold, charge);
  // What a process leaves behind that died after it had applied the first of two entries.
  const lines = [entry('a'), entry('b')].map((one) => JSON.stringify(one)).join('\n');
  await writeFile(join(directory, 'usage-1-x.journal.y.replay'), `${lines}\n`);
  await createJournal(directory).replay(({ hold, charge: due }) => store.settle(hold, due));
  expect(await store.counters('u', ['openai:tokens:hour:2026-11-23T04'])).toEqual([{ used: 14, held: 0 }]);
  expect(await readdir(directory)).toEqual([]);
  await store.close();
});

test('the file of a process that is gone is adopted, that of a living one is not', async () => {
  const left = join(directory, 'usage-elsewhere-1-0a.journal');
  const fresh = join(directory, `usage-${hostname()}-${process.pid}-0b.journal`);
  await writeFile(left, `${JSON.stringify(entry('left'))}\n{"hold":{"id":"cut`);
  await writeFile(fresh, `${JSON.stringify(entry('alive'))}\n`);
  const longAgo = new Date(Date.now() - 120_000);
  await utimes(left, longAgo, longAgo);
  const seen: string[] = [];
  await createJournal(directory).replay(async ({ hold }) => void seen.push(hold.id));
  expect(seen).toEqual(['left']);
  expect(await readdir(directory)).toEqual([`usage-${hostname()}-${process.pid}-0b.journal`]);
});

test('an entry that was acknowledged survives kill -9', async () => {
  const script = `
    const { appendFileSync } = require('node:fs');
    const name = process.argv[1] + '/usage-' + require('node:os').hostname() + '-' + process.pid + '-0a.journal';
    process.stdin.once('data', (text) => { appendFileSync(name, text); process.stdout.write('written'); });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.write(`${JSON.stringify(entry('killed'))}\n`);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const seen: string[] = [];
  await createJournal(directory).replay(async ({ hold }) => void seen.push(hold.id));
  expect(seen).toEqual(['killed']);
});

test('a directory that cannot be written is an error, not a loss in silence', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  expect(() => createJournal(join(file, 'below')).append(entry('a'))).toThrow();
});

test('an entry that the store refuses keeps no other from it, and stays', async () => {
  const journal = createJournal(directory);
  for (const id of ['a', 'b', 'c']) journal.append(entry(id));
  const seen: string[] = [];
  const settle = async ({ hold }: JournalEntry) => {
    if (hold.id === 'b') throw new Error('not this one');
    seen.push(hold.id);
  };
  await expect(journal.replay(settle)).rejects.toThrow('not this one');
  expect(seen).toEqual(['a', 'c']);
  expect(await journal.replay(async ({ hold }) => void seen.push(hold.id))).toBe(1);
  expect(seen).toEqual(['a', 'c', 'b']);
  expect(await readdir(directory)).toEqual([]);
});

test('what is no entry is told once, and put aside', async () => {
  const garbage = ['null', '7', '{}', '{"hold":{"id":"cu', '\u0000\u0000'];
  const lines = [...garbage, JSON.stringify(entry('a'))].join('\n');
  await writeFile(join(directory, 'usage-1-x.journal.y.replay'), lines);
  const journal = createJournal(directory);
  const seen: string[] = [];
  const settle = async ({ hold }: JournalEntry) => void seen.push(hold.id);
  await expect(journal.replay(settle)).rejects.toThrow('5 lines of the usage journal cannot be read');
  expect(await journal.replay(settle)).toBe(0);
  expect(seen).toEqual(['a']);
  expect(await readdir(directory)).toEqual(['usage-1-x.unreadable']);
  expect(await readFile(join(directory, 'usage-1-x.unreadable'), 'utf8')).toBe(`${garbage.join('\n')}\n`);
});

test('what a full disk has cut does not spoil what comes after it', async () => {
  const journal = createJournal(directory);
  journal.append(entry('a'));
  const [own = ''] = await readdir(directory);
  await appendFile(join(directory, own), '{"hold":{"id":"cut');
  journal.append(entry('b'));
  const seen: string[] = [];
  const settle = async ({ hold }: JournalEntry) => void seen.push(hold.id);
  await expect(journal.replay(settle)).rejects.toThrow('1 lines');
  expect(seen).toEqual(['a', 'b']);
});
