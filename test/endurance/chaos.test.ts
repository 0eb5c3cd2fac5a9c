/** Three gateways on one store, while one thing after another is killed or frozen: the promises hold all along. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { heldUntil } from '../stores/aftermath.js';
import { type Gateways, type Member, startGateways } from '../stores/fleet.js';
import { startPlace } from '../stores/places.js';
import { stopServers } from '../support/server-process.js';
import { type Answer, ask } from './answers.js';
import { CALAMITIES, type Calamity, LONG_FREEZE } from './calamities.js';
import { startCrowd } from './crowd.js';
import { readOptions, reportTable, say } from './options.js';
import { createRandom, type Random } from './random.js';
import { startUpstream } from './upstream.js';
import { objectionTo, type Trouble } from './verdict.js';

const options = readOptions();
const { minutes, store = 'redis', rate = 30, seed } = options;
const { gatewayKilled, journalLeft, storeFrozen, upstreamKilled, gatewayEnded, clientsLeft } = CALAMITIES;
/** What only a server can have happen to it, and not a file. */
const OF_SERVERS: Calamity[] = [CALAMITIES.storeKilled, journalLeft];
const SUITE: Calamity[] = [
  gatewayKilled,
  journalLeft,
  storeFrozen,
  upstreamKilled,
  gatewayEnded,
  clientsLeft,
];
const ALL: Calamity[] = [...Object.values(CALAMITIES), LONG_FREEZE];

/** Tokens a day of each bounded user: some seconds' worth. */
const LIMIT = 1_500;
/** Milliseconds. */
const CALM = minutes === undefined ? 1_000 : 3_000;
const RECOVERY = 30_000;
const PACE = 4;
/** Tokens: more than an answer in full has, its prompt taken as estimated. */
const MOST = 200;
const NAMES = Array.from({ length: 1_000 }, (_, at) => `llama-${at}`);

it(
  'keeps its promises while gateways, store and Ollama die and freeze',
  async () => {
    const random = createRandom(seed);
    const place = await startPlace(store);
    onTestFinished(() => place.stop());
    const upstream = await startUpstream(PACE);
    onTestFinished(() => upstream.kill());
    const gateways = await startGateways({ place, gateways: 3, names: NAMES, upstream: upstream.port });
    onTestFinished(stopServers);
    onTestFinished(() => gateways.stop());

    const [steady, probe] = [await gateways.member('steady'), await gateways.member('probe')];
    const bounded = [await gateways.member('bounded-0', { token_limit_daily: LIMIT })];
    const watching = watch(gateways, bounded);
    const crowd = startCrowd({ gateways, steady, bounded: bounded[0]!, names: NAMES, seed, rate });
    onTestFinished(() => crowd.stop());
    const { leave } = crowd;
    const start = performance.now();
    const troubles: Trouble[] = [];
    const recovered: { calamity: Calamity; took: number }[] = [];

    for (const calamity of calamities(random, start)) {
      await sleep(CALM);
      const slot = random.below(gateways.servers.length);
      const trouble: Trouble = { calamity, slot, from: performance.now(), to: Number.POSITIVE_INFINITY };
      troubles.push(trouble);
      await calamity.strike({ gateways, upstream, random, leave }, slot);
      const back = performance.now();
      await answering(gateways, probe, back + RECOVERY);
      trouble.to = performance.now();
      await reachable(gateways, probe, back + RECOVERY);
      recovered.push({ calamity, took: trouble.to - back });
      say(
        options,
        `${seconds(trouble.from - start)}  ${calamity.words}: all answer after ${seconds(trouble.to - back)}`,
      );
      bounded.push(await gateways.member(`bounded-${bounded.length}`, { token_limit_daily: LIMIT }));
      crowd.turnTo(bounded.at(-1)!);
    }
    await sleep(CALM);
    await crowd.exhaust();
    await crowd.stop();
    const { looks, most } = await watching.stop();
    const { answers } = crowd;

    const objections = answers.map((answer) => objectionTo(answer, troubles)).filter(Boolean);
    expect(objections).toEqual([]);
    expect(most.filter(({ tokens }) => tokens > LIMIT)).toEqual([]);
    // The limits were reached.
    expect(answers.some(({ status }) => status === 429)).toBe(true);

    const stopped = performance.now();
    const users = [steady, ...bounded];
    const held = await Promise.all(users.map((user) => heldUntil(gateways, user, stopped)));
    await emptied(gateways.journal);
    const accounts = await Promise.all(users.map((user) => accountOf(gateways, user, answers)));
    expect(accounts.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(await gateways.differences()).toEqual([]);
    for (const user of bounded) {
      const { tokens } = await gateways.counters(user);
      expect(tokens.used, user.username).toBeLessThanOrEqual(LIMIT);
    }
    const errors = await readFile(join(gateways.logs, 'error.log'), 'utf8').catch(() => '');
    expect(errors).not.toMatch(/usage lost|"bug"/);

    reportTable(options, 'calamities', [
      ['', 'times', 'all three gateways answer again after, at most'],
      ...ALL.map((calamity) => {
        const took = recovered.filter((each) => each.calamity === calamity).map((each) => each.took);
        return [calamity.words, String(took.length), took.length ? seconds(Math.max(...took)) : '-'];
      }),
    ]);
    const ends = (end: Answer['end'], status?: number) =>
      count(
        answers.filter((answer) => answer.end === end && (status ?? answer.status) === answer.status).length,
      );
    reportTable(options, 'promises', [
      ['', `in ${seconds(stopped - start)} on ${store}`],
      ['questions', count(answers.length)],
      ['answers in full, each once in the history with its tokens', ends('full')],
      ['left by the client', ends('left')],
      ['401 for a good key', ends('told', 401)],
      ['429, with Retry-After', ends('told', 429)],
      ['503, with Retry-After, while the store or that gateway was away', ends('told', 503)],
      ['502, while Ollama was away', ends('told', 502)],
      ['an error within a stream, while store, Ollama or that gateway was away', ends('told', 200)],
      ['connections broken by the death of their gateway', ends('broken')],
      ['anything else', String(objections.length)],
      [
        'used + held of users with limits, over all looks',
        `at most ${Math.max(...most.map(({ tokens }) => tokens))} of ${LIMIT}, ${count(looks)} looks, ${bounded.length} users`,
      ],
      ['nothing held after', seconds(Math.max(...held))],
      ['counters other than the history; left in the journal; usage lost', '0; 0; 0'],
    ]);
  },
  (minutes ?? 0) * 60_000 + 240_000,
);

/** The suite's, or all in an order by chance, again and again until the time is over. */
function* calamities(random: Random, start: number): Generator<Calamity> {
  if (minutes === undefined) return yield* SUITE;
  const end = start + minutes * 60_000;
  const possible = ALL.filter((calamity) => store !== 'sqlite' || !OF_SERVERS.includes(calamity));
  for (;;) {
    const left = [...possible];
    while (left.length > 0) {
      const [calamity] = left.splice(random.below(left.length), 1);
      if (performance.now() > end) return;
      yield calamity!;
    }
  }
}

/** Reads the counters of users with limits all the time, the newest user's most often. */
function watch(gateways: Gateways, users: Member[]) {
  const most = users.map(() => ({ user: '', tokens: 0 }));
  let looks = 0;
  let stopped = false;
  async function look(at: number): Promise<void> {
    const user = users[at]!;
    const counters = await gateways.counters(user).catch(() => undefined);
    if (!counters) return;
    const { used, held } = counters.tokens;
    looks += 1;
    most[at] = { user: user.username, tokens: Math.max(most[at]?.tokens ?? 0, used + held) };
  }
  const looking = (async () => {
    for (let turn = 0; !stopped; turn += 1) {
      await look(users.length - 1);
      await look(turn % users.length);
      await sleep(10);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await looking;
      return { looks, most };
    },
  };
}

/** Until each gateway has given an answer in full. */
async function answering({ servers }: Gateways, user: Member, end: number): Promise<void> {
  await Promise.all(
    servers.map(async ({ url }, slot) => {
      for (;;) {
        const answer = await ask({ user, name: 'gpt-4', slot, url, streamed: true });
        if (answer.end === 'full') return;
        if (performance.now() > end) throw new Error(`gateway ${slot} does not recover: ${answer.text}`);
        await sleep(100);
      }
    }),
  );
}

/** Until the store answers this process, too, which rests between its attempts. */
async function reachable(gateways: Gateways, user: Member, end: number): Promise<void> {
  for (;;) {
    try {
      await gateways.counters(user);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(100);
    }
  }
}

/** What waits in the journal is looked for every 30 seconds. */
async function emptied(journal: string): Promise<void> {
  for (const end = performance.now() + 60_000; ; await sleep(200)) {
    const files = await readdir(journal).catch(() => []);
    if (files.length === 0) return;
    if (performance.now() > end) throw new Error(`left in the journal: ${files}`);
  }
}

interface Sum {
  requests: number;
  tokens: number;
}

/**
 * Holds each name's answers against its row of the history. What did not come in full may be there once: the client
 * cannot know.
 */
async function accountOf({ admin }: Gateways, user: Member, answers: Answer[]): Promise<{ wrong: string[] }> {
  const rows = new Map<string, Sum>();
  const query = { subject: user.id, from: '2000-01-01T00', to: '2999-01-01T00', by: 'hour' } as const;
  for await (const { model, requests, promptTokens, completionTokens } of admin.store.usage(query)) {
    const sum = rows.get(model) ?? { requests: 0, tokens: 0 };
    rows.set(model, {
      requests: sum.requests + requests,
      tokens: sum.tokens + promptTokens + completionTokens,
    });
  }
  const own = answers.filter((answer) => answer.user === user);
  const wrong = NAMES.flatMap((name) => {
    const asked = own.filter((answer) => answer.name === name);
    const full = asked.filter(({ end }) => end === 'full');
    const open = asked.filter(({ end, status }) => end !== 'full' && status !== 429).length;
    const tokens = full.reduce((sum, answer) => sum + answer.tokens, 0);
    const row = rows.get(name) ?? { requests: 0, tokens: 0 };
    const right =
      row.requests >= full.length &&
      row.requests <= full.length + open &&
      row.tokens >= tokens &&
      row.tokens <= tokens + open * MOST;
    return right
      ? []
      : [`${user.username} ${name}: ${JSON.stringify({ full: full.length, tokens, open, row })}`];
  });
  return { wrong };
}

const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;
const count = (number: number) => number.toLocaleString('en-US');
