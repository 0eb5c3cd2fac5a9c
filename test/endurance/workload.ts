/** A mixed load by real clients: everything that a gateway is asked for, bounded, at random. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import type { Gateways, Member } from '../stores/fleet.js';
import { type Reply, send } from '../support/gateway.js';
import { createRandom, type Random } from './random.js';

/** What a user was given, by the answers themselves. */
export interface Given {
  user: Member;
  /** Answers that came in full. */
  requests: number;
  tokens: number;
  /** Answers that the client left halfway: their tokens nobody has told it. */
  left: number;
  refused: number;
}

export interface Workload {
  given: Given[];
  /** Of the one who asks for more than {@link FEW}. */
  bounded: Given;
  /** How often each thing was done. */
  done: Record<string, number>;
  /** What came otherwise than it should. */
  odd: string[];
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

export interface WorkloadOptions {
  gateways: Gateways;
  url: string;
  seed: number;
  /** Requests a second, about. */
  rate: number;
}

/** `left`: the client went away before the end. `refused`: 429. Nothing where no model was asked. */
type Outcome = { tokens: number } | 'left' | 'refused' | undefined;

interface Kind {
  name: string;
  /** How often among all. */
  weight: number;
  /** Who asks. */
  users: Member[];
  run(user: Member, random: Random): Promise<Outcome>;
}

const CLIENTS = 24;
/** Nobody notices more than the first few. */
const ODD_KEPT = 20;
/** Requests an hour of the user who is to be refused. */
export const FEW = 3;
const TEXTS = [
  'Hello!',
  'Count from 1 to 30',
  'Write a poem about AI',
  `Summarise: ${'all of this '.repeat(200)}`,
];
const PASSWORD = 'a-good-password';

export async function startWorkload({ gateways, url, seed, rate }: WorkloadOptions): Promise<Workload> {
  const steady = await Promise.all(['anna', 'bert', 'carl', 'dora'].map((name) => gateways.member(name)));
  const leaving = await Promise.all(['emil', 'fanny'].map((name) => gateways.member(name)));
  const greedy = await gateways.member('greedy', { request_limit_hourly: FEW });
  const kinds = kindsOf(url, { steady, leaving, bounded: [greedy] });
  const all = kinds.reduce((sum, { weight }) => sum + weight, 0);
  const users = [...steady, ...leaving, greedy];
  const given = new Map(
    users.map((user): [Member, Given] => [user, { user, requests: 0, tokens: 0, left: 0, refused: 0 }]),
  );
  const done: Record<string, number> = Object.fromEntries(kinds.map(({ name }) => [name, 0]));
  const odd: string[] = [];
  let stopped = false;

  function choose(random: Random): Kind {
    let left = random.next() * all;
    for (const kind of kinds) {
      left -= kind.weight;
      if (left < 0) return kind;
    }
    return kinds[0]!;
  }

  function note(sum: Given, outcome: Outcome): void {
    if (outcome === 'left') sum.left += 1;
    else if (outcome === 'refused') sum.refused += 1;
    else if (outcome) {
      sum.requests += 1;
      sum.tokens += outcome.tokens;
    }
  }

  async function client(at: number): Promise<void> {
    const random = createRandom(seed + at);
    while (!stopped) {
      const kind = choose(random);
      const user = random.pick(kind.users);
      try {
        note(given.get(user)!, await kind.run(user, random));
      } catch (error) {
        if (odd.length < ODD_KEPT) odd.push(`${kind.name}: ${error}`);
      }
      done[kind.name]! += 1;
      await sleep(random.next() * 2 * CLIENTS * (1_000 / rate));
    }
  }

  const running = Array.from({ length: CLIENTS }, (_, at) => client(at));
  return {
    given: [...given.values()],
    bounded: given.get(greedy)!,
    done,
    odd,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

function kindsOf(
  url: string,
  { steady, leaving, bounded }: { steady: Member[]; leaving: Member[]; bounded: Member[] },
): Kind[] {
  const openaiOf = clients(
    (user) => new OpenAI({ apiKey: user.key, baseURL: `${url}/openai/v1`, maxRetries: 0 }),
  );
  const ollamaOf = clients(
    (user) => new Ollama({ host: `${url}/ollama`, headers: { Authorization: `Bearer ${user.key}` } }),
  );
  const ask = (random: Random) => [{ role: 'user' as const, content: random.pick(TEXTS) }];
  const chat = (random: Random) => ({ model: 'gpt-4', messages: ask(random) });
  const streamed = { stream: true, stream_options: { include_usage: true } } as const;

  return [
    {
      name: 'openai chat, whole',
      weight: 10,
      users: steady,
      async run(user, random) {
        return usageOf(await openaiOf(user).chat.completions.create(chat(random)));
      },
    },
    {
      name: 'openai chat, streamed',
      weight: 18,
      users: steady,
      async run(user, random) {
        const stream = await openaiOf(user).chat.completions.create({ ...chat(random), ...streamed });
        let last: OpenAI.ChatCompletionChunk | undefined;
        for await (const chunk of stream) last = chunk;
        return usageOf(last);
      },
    },
    {
      name: 'openai responses, streamed',
      weight: 4,
      users: steady,
      async run(user, random) {
        const stream = await openaiOf(user).responses.create({
          model: 'gpt-4',
          input: random.pick(TEXTS),
          stream: true,
        });
        let completed: OpenAI.Responses.Response | undefined;
        for await (const event of stream) if (event.type === 'response.completed') completed = event.response;
        return usageOf(completed);
      },
    },
    {
      name: 'openai completions',
      weight: 4,
      users: steady,
      async run(user, random) {
        const prompt = random.pick(TEXTS);
        return usageOf(await openaiOf(user).completions.create({ model: 'gpt-4', prompt }));
      },
    },
    {
      name: 'openai embeddings',
      weight: 4,
      users: steady,
      async run(user) {
        const input = ['one text', 'and another'];
        return usageOf(await openaiOf(user).embeddings.create({ model: 'nomic-embed-text', input }));
      },
    },
    {
      name: 'native chat, whole',
      weight: 5,
      users: steady,
      async run(user, random) {
        return counted(await ollamaOf(user).chat({ model: 'llama2', messages: ask(random) }));
      },
    },
    {
      name: 'native chat, streamed',
      weight: 8,
      users: steady,
      async run(user, random) {
        const asked = { model: 'llama2', messages: ask(random), stream: true } as const;
        return counted(await lastOf(await ollamaOf(user).chat(asked)));
      },
    },
    {
      name: 'native generate, streamed',
      weight: 5,
      users: steady,
      async run(user, random) {
        const asked = { model: 'llama2', prompt: random.pick(TEXTS), stream: true } as const;
        return counted(await lastOf(await ollamaOf(user).generate(asked)));
      },
    },
    {
      name: 'native embed',
      weight: 3,
      users: steady,
      async run(user) {
        const reply = await ollamaOf(user).embed({ model: 'nomic-embed-text', input: 'one text' });
        return counted({ ...reply, eval_count: 0 });
      },
    },
    {
      name: 'guide generate and chat',
      weight: 6,
      users: steady,
      async run(user, random) {
        const [path, body] = random.pick([
          ['/ollama/v1/generate', { prompt: random.pick(TEXTS) }],
          ['/ollama/v1/chat', { messages: ask(random) }],
        ] as const);
        const reply = await send(url, path, { key: user.key, body: { model: 'llama2', ...body } });
        return usageOf(expectStatus(reply, 200) as Counted);
      },
    },
    {
      name: 'left in the middle',
      weight: 10,
      users: leaving,
      async run(user, random) {
        const controller = new AbortController();
        const { signal } = controller;
        const stream = await openaiOf(user).chat.completions.create(
          { ...chat(random), ...streamed },
          { signal },
        );
        const leaveAfter = random.below(20);
        let chunks = 0;
        let last: OpenAI.ChatCompletionChunk | undefined;
        for await (const chunk of stream) {
          last = chunk;
          chunks += 1;
          if (chunks > leaveAfter) controller.abort();
        }
        return signal.aborted ? 'left' : usageOf(last);
      },
    },
    {
      name: 'left before the answer',
      weight: 5,
      users: leaving,
      async run(user, random) {
        const controller = new AbortController();
        const { signal } = controller;
        const waiting = openaiOf(user).chat.completions.create(chat(random), { signal });
        setTimeout(() => controller.abort(), random.below(30));
        return waiting.then(usageOf, (error: unknown) => {
          if (!signal.aborted) throw error;
          return 'left' as const;
        });
      },
    },
    {
      name: 'over a limit',
      weight: 6,
      users: bounded,
      async run(user, random) {
        const waiting = openaiOf(user).chat.completions.create(chat(random));
        return waiting.then(usageOf, (error: unknown) => {
          if (!(error instanceof OpenAI.RateLimitError)) throw error;
          if (!error.headers.get('retry-after')) throw new Error('a 429 without Retry-After');
          return 'refused' as const;
        });
      },
    },
    {
      name: 'with a wrong key',
      weight: 3,
      users: steady,
      async run() {
        expectStatus(await send(url, '/openai/v1/models', { key: 'pk_live_nobody' }), 401);
        return undefined;
      },
    },
    {
      name: 'login, refresh, a key made, used and revoked',
      weight: 2,
      users: steady,
      async run({ username }) {
        const session = { username, password: PASSWORD };
        const login = tokens(expectStatus(await send(url, '/auth/login', { body: session }), 200));
        const again = { refresh_token: login.refresh_token };
        const next = tokens(expectStatus(await send(url, '/auth/token', { body: again }), 200));
        const key = next.access_token;
        const made = expectStatus(await send(url, '/auth/keys', { key, body: { name: 'soak' } }), 201);
        const { id, key: fresh } = made as { id: string; key: string };
        expectStatus(await send(url, '/openai/v1/models', { key: fresh }), 200);
        expectStatus(await send(url, `/auth/keys/${id}`, { key, method: 'DELETE' }), 204);
        const over = { refresh_token: next.refresh_token };
        expectStatus(await send(url, '/auth/logout', { key, body: over }), 204);
        return undefined;
      },
    },
    {
      name: 'usage, models, status, metrics',
      weight: 7,
      users: steady,
      async run({ key }, random) {
        const path = random.pick([
          '/admin/v1/usage',
          '/openai/v1/models',
          '/ollama/v1/models',
          '/ollama/api/tags',
          '/ollama/api/ps',
          '/status',
          '/metrics',
        ]);
        expectStatus(await send(url, path, { key }), 200);
        return undefined;
      },
    },
  ];
}

/** One client for each user, kept: real ones keep their connections. */
function clients<T>(create: (user: Member) => T): (user: Member) => T {
  const made = new Map<Member, T>();
  return (user) => {
    const client = made.get(user) ?? create(user);
    made.set(user, client);
    return client;
  };
}

type Counted = { usage?: { total_tokens: number } | null };

function usageOf(answer: Counted | undefined): { tokens: number } {
  if (!answer?.usage) throw new Error('an answer without its usage');
  return { tokens: answer.usage.total_tokens };
}

function counted(end: { prompt_eval_count: number; eval_count: number } | undefined): { tokens: number } {
  if (!end) throw new Error('an answer without its end');
  return { tokens: end.prompt_eval_count + end.eval_count };
}

async function lastOf<T>(parts: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined;
  for await (const part of parts) last = part;
  return last;
}

function expectStatus({ status, text, json }: Reply, expected: number): unknown {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${text.slice(0, 200)}`);
  return json;
}

const tokens = (json: unknown) => json as { access_token: string; refresh_token: string };
