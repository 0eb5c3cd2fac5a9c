/** One gateway under a mixed load: it keeps no more at the end than in the middle, and every answer is accounted for. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { heldUntil } from '../stores/aftermath.js';
import { startFleet } from '../stores/fleet.js';
import { startPlace } from '../stores/places.js';
import { freePort } from '../support/services/port.js';
import { type Slack, type Trend, trendOf } from './flat.js';
import { readOptions, reportTable, say, type Table } from './options.js';
import { inspect, type Vitals } from './vitals.js';
import { FEW, type Given, startWorkload } from './workload.js';

const options = readOptions();
const { minutes = 0.25, store = 'sqlite', rate = 50 } = options;
const DURATION = minutes * 60_000;
/** Milliseconds between two looks. */
const LOOK_EVERY = Math.max(500, Math.min(10_000, DURATION / 60));

const MB = 1024 * 1024;
const KEPT: Record<Exclude<keyof Vitals, 'lag'>, Slack & { words: string; unit: number }> = {
  heap: { words: 'heap and buffers after a collection, MB', unit: MB, factor: 1.1, more: 5 * MB },
  rss: { words: 'the whole process (RSS), MB', unit: MB, factor: 1.15, more: 20 * MB },
  handles: { words: 'handles of the event loop', unit: 1, factor: 1.1, more: 30 },
  files: { words: 'open files and sockets', unit: 1, factor: 1.1, more: 30 },
};
const NAMES = Object.keys(KEPT) as (keyof typeof KEPT)[];

it(
  `stays as it is under ${minutes} minutes of mixed load on ${store}`,
  async () => {
    const place = await startPlace(store);
    onTestFinished(() => place.stop());
    const fleet = await startFleet({ place, gateways: 0 });
    onTestFinished(() => fleet.stop());
    fleet.simulator.pace = 1;
    const inspector = await freePort();
    const server = await fleet.start({ inspector });
    fleet.servers.push(server);
    const process = await inspect(inspector);

    const load = await startWorkload({ gateways: fleet, url: server.url, rate, seed: options.seed });
    onTestFinished(() => load.stop());
    const start = performance.now();
    const looks: (Vitals & { at: number })[] = [];
    for (let at = 0; at < DURATION; at = performance.now() - start) {
      await sleep(LOOK_EVERY);
      const vitals = await process.look();
      looks.push({ at: performance.now() - start, ...vitals });
      say(options, lineOf(looks.at(-1)!, load.done));
    }
    // A process that is looked at does not end.
    process.close();
    await load.stop();
    const seconds = (performance.now() - start) / 1_000;

    expect(load.odd).toEqual([]);
    for (const given of load.given) await heldUntil(fleet, given.user, performance.now());
    const accounts = await Promise.all(
      load.given.map(async (given) => ({ given, history: await fleet.history(given.user) })),
    );
    for (const { given, history } of accounts) expect(notAccounted(given, history)).toBe('');
    expect(load.bounded.refused).toBeGreaterThan(0);
    // An hour may have ended, and with it the limit's window.
    expect(load.bounded.requests).toBeLessThanOrEqual(FEW * Math.ceil(1 + minutes / 60));
    expect(await fleet.differences()).toEqual([]);

    const trends = NAMES.map((name) => {
      const readings = looks.map((look) => ({ at: look.at, value: look[name] }));
      return { name, trend: trendOf(readings, KEPT[name]) };
    });
    reportTable(options, 'kept', keptTable(trends));
    for (const { name, trend } of trends) expect(trend, name).toMatchObject({ flat: true });

    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    expect(server.complaints()).not.toMatch(/Warning:/);
    expect(await errorsIn(fleet.logs)).toEqual([]);
    expect(await readdir(fleet.journal).catch(() => [])).toEqual([]);

    const requests = Object.values(load.done).reduce((sum, count) => sum + count, 0);
    const lags = looks.map(({ lag }) => lag).sort((a, b) => a - b);
    reportTable(options, 'load', [
      ['', ''],
      ['store', store],
      ['minutes', (seconds / 60).toFixed(1)],
      ['operations', `${count(requests)} (${(requests / seconds).toFixed(0)} a second)`],
      ['answers in full, all in the history with their tokens', count(sumOf(accounts, 'requests'))],
      ['tokens of these', count(sumOf(accounts, 'tokens'))],
      ['answers left by their client, each at most once in the history', count(sumOf(accounts, 'left'))],
      ['refused by a limit (429)', count(load.bounded.refused)],
      ['answers other than expected', '0'],
      [
        'event loop late, 99th percentile of a look, median / most',
        `${lags[lags.length >> 1]!.toFixed(1)} / ${lags.at(-1)!.toFixed(1)} ms`,
      ],
      ['counters other than the history; held; left in the journal', '0; 0; 0'],
    ]);
    reportTable(options, 'operations', [
      ['', 'times'],
      ...Object.entries(load.done).map(([name, times]) => [name, count(times)]),
    ]);
  },
  DURATION + 120_000,
);

type History = { requests: number; tokens: number };

/** '' where what a user was given is what the history has. */
function notAccounted({ user, requests, tokens, left }: Given, history: History): string {
  const exact = left === 0 && history.requests === requests && history.tokens === tokens;
  const some = history.requests - requests;
  const between = left > 0 && some >= 0 && some <= left && history.tokens >= tokens;
  if (exact || between) return '';
  return `${user.username}: ${JSON.stringify({ requests, tokens, left, history })}`;
}

function sumOf(accounts: { given: Given }[], what: 'requests' | 'tokens' | 'left'): number {
  return accounts.reduce((sum, { given }) => sum + given[what], 0);
}

async function errorsIn(logs: string): Promise<string[]> {
  const text = await readFile(join(logs, 'error.log'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

function keptTable(trends: { name: keyof typeof KEPT; trend: Trend }[]): Table {
  const rows = trends.map(({ name, trend: { before, after, allowed, slope } }) => {
    const { words, unit } = KEPT[name];
    const digits = unit === 1 ? 0 : 1;
    return [words, ...[before, after, allowed, slope].map((value) => (value / unit).toFixed(digits))];
  });
  return [['', 'second third', 'last third', 'allowed', 'slope an hour'], ...rows];
}

function lineOf({ at, heap, rss, handles, files, lag }: Vitals & { at: number }, done: object): string {
  const requests = Object.values(done).reduce((sum: number, times: number) => sum + times, 0);
  const mb = (bytes: number) => `${(bytes / MB).toFixed(1)} MB`;
  return [
    `${(at / 1_000).toFixed(0).padStart(6)} s`,
    `heap ${mb(heap)}`,
    `rss ${mb(rss)}`,
    `handles ${handles}`,
    `files ${files}`,
    `lag ${lag.toFixed(1)} ms`,
    `${requests} operations`,
  ].join('  ');
}

const count = (number: number) => number.toLocaleString('en-US');
