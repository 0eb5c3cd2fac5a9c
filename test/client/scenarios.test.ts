/** The scenarios that the clients of both languages share, run by this one against a real gateway. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ParallamaClient, ParallamaError } from '../../src/client/index.js';
import { type ScenarioRig, startScenarioRig } from './scenario-rig.js';

interface Scenario {
  name: string;
  gateway: 'ollama' | 'openai';
  /** Whose client it is; a member where absent. */
  as?: 'member' | 'nobody' | 'wrong key' | 'blocked' | 'registered' | 'expired';
  call: keyof typeof METHODS;
  with?: Json;
  /** The reply, as far as it is told here; of a stream its text, and its last chunk. */
  expected?: Json;
  error?: Json;
  /** The text that came before the error. */
  before?: string;
  /** The client's tokens afterwards. */
  then?: Json;
}
type Json = Record<string, unknown>;
type Client = ParallamaClient<'ollama' | 'openai'>;
// The arguments come from a file: no type can know them.
type Method = (given: never) => Promise<unknown>;

const SCENARIOS: Scenario[] = JSON.parse(readFileSync(new URL('./scenarios.json', import.meta.url), 'utf8'));

const METHODS = {
  list_models: (client: Client): Method => client.listModels.bind(client),
  generate: (client: Client): Method => client.generate,
  chat: (client: Client): Method => client.chat,
  'completions.create': (client: Client): Method => client.completions.create,
  'chat.completions.create': (client: Client): Method => client.chat.completions.create,
  usage: (client: Client): Method => client.usage.bind(client),
  register: (client: Client): Method => client.register.bind(client),
  login: (client: Client): Method => client.login.bind(client),
};

let world: ScenarioRig;
let names = 0;
beforeAll(async () => {
  world = await startScenarioRig();
});
afterAll(() => world.rig.close());

async function clientOf({ gateway, as = 'member' }: Scenario): Promise<Client> {
  const { memberKey, blockedKey, rig } = world;
  const options = { baseUrl: rig.url, gateway };
  const refreshToken = async () => (await new ParallamaClient(options).register(newAccount())).refresh_token;
  const credentials = {
    member: () => ({ apiKey: memberKey }),
    nobody: () => ({}),
    'wrong key': () => ({ apiKey: 'pk_live_wrong' }),
    blocked: () => ({ apiKey: blockedKey }),
    registered: async () => ({ refreshToken: await refreshToken() }),
    expired: async () => ({ accessToken: 'stale', refreshToken: await refreshToken() }),
  };
  return new ParallamaClient({ ...options, ...(await credentials[as]()) });
}

const newName = () => `new-${++names}`;
const newAccount = () => ({ username: newName(), password: 'a-good-password' });

/** `<string>` and `<number>` stand for any. */
function pattern(value: unknown): unknown {
  if (value === '<string>') return expect.stringMatching(/./);
  if (value === '<number>') return expect.any(Number);
  if (Array.isArray(value)) return value.map(pattern);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, pattern(inner)]));
}

interface Chunk {
  text?: string;
  messages?: { content: string }[];
  choices?: { text?: string; delta?: { content?: string } }[];
}

const textOf = ({ text, messages, choices }: Chunk): string =>
  text ?? messages?.[0]?.content ?? choices?.[0]?.text ?? choices?.[0]?.delta?.content ?? '';

/** Runs the call to its end. */
async function outcome({ call, with: given = {} }: Scenario, client: Client) {
  const said = { ...given, ...(given.username === '<new>' ? { username: newName() } : {}) };
  let text = '';
  let last: unknown;
  try {
    const reply = await METHODS[call](client)(said as never);
    if (given.stream !== true) return { reply };
    for await (const chunk of reply as AsyncIterable<Chunk>) {
      text += textOf(chunk);
      last = chunk;
    }
    return { reply: { text, last } };
  } catch (error) {
    return { error, text };
  }
}

test.each(SCENARIOS)('$gateway: $name', async (scenario) => {
  const client = await clientOf(scenario);
  const { reply, error, text } = await outcome(scenario, client);
  if (scenario.error) {
    expect(error).toBeInstanceOf(ParallamaError);
    const { status, code, type, param, retryAfter, message } = error as ParallamaError;
    const seen = { status, code, type, param, retry_after: retryAfter, message };
    expect(nulls(seen)).toMatchObject(pattern(scenario.error) as Json);
    expect(text).toEqual(pattern(scenario.before ?? ''));
  } else {
    expect(error).toBeUndefined();
    expect(reply).toMatchObject(pattern(scenario.expected) as Json);
  }
  const tokens = { access_token: client.accessToken, refresh_token: client.refreshToken };
  if (scenario.then) expect(nulls(tokens)).toMatchObject(pattern(scenario.then) as Json);
});

const nulls = (value: Json): Json =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inner ?? null]));
