/** Against Ollama's own OpenAI layer: the same native bytes must become the same answer, save where it is wrong. */
import { describe, expect, it } from 'vitest';
import { readChatCompletion } from '../../../src/core/translate/index.js';
import {
  CONTEXT,
  collected,
  eventsOf,
  linesOf,
  recorded,
  recording,
  replyOf,
  requestOf,
} from '../recordings.js';

interface Call {
  id: string;
  index?: number;
  type: string;
  function: { name: string; arguments: string };
}
interface Message {
  role?: string;
  content?: string | null;
  refusal?: null;
  reasoning?: string;
  reasoning_content?: string;
  tool_calls?: Call[];
}
interface Logprob {
  token: string;
}
interface Choice {
  index: number;
  message: Message;
  delta: Message;
  logprobs?: { content: Logprob[]; refusal?: null } | null;
  finish_reason: string | null;
}
interface Reply {
  id: string;
  created: number;
  choices: Choice[];
  usage?: object | null;
}

/** Requests that Ollama takes and we refuse, with the field that we name. */
const REFUSED: Record<string, string> = {
  'chat-bad-role': 'messages[0].role',
  'chat-num-predict-zero': 'max_tokens',
  'chat-body-odd-case': 'model',
};

/** Recordings that cannot be compared, and why. */
const NOT_COMPARED: Record<string, string> = {
  ...REFUSED,
  'chat-image-unsupported':
    'noise: the model cannot see, and the two runs were sampled at different temperatures',
  'chat-long-prompt': 'the native run has num_ctx 64, which OpenAI requests cannot set; its answer is noise',
  'chat-schema': 'the population is sampled: Ollama forces temperature 1 on OpenAI requests',
};

/** Where Ollama departs from OpenAI in a whole answer; what it should have said. */
const WHOLE_DIFFERENCES: { why: string; mend(choice: Choice): void }[] = [
  { why: 'OpenAI always has `refusal`', mend: ({ message }) => Object.assign(message, { refusal: null }) },
  {
    why: 'OpenAI always has `logprobs`, with `refusal` in it',
    mend: (choice) => {
      choice.logprobs = choice.logprobs ? { ...choice.logprobs, refusal: null } : null;
    },
  },
  {
    why: 'half of the clients read `reasoning_content`',
    mend: ({ message }) => {
      if (message.reasoning) message.reasoning_content = message.reasoning;
    },
  },
  {
    why: 'content is null beside tool calls alone',
    mend: ({ message }) => {
      if (message.tool_calls && message.content === '') message.content = null;
    },
  },
  {
    why: '`index` belongs to streamed calls only',
    mend: ({ message }) => {
      for (const call of message.tool_calls ?? []) delete call.index;
    },
  },
];

/** Ids and dates differ from run to run. */
function masked(reply: Reply): Reply {
  for (const { message } of reply.choices) for (const call of message.tool_calls ?? []) call.id = 'call';
  return { ...reply, id: 'id', created: 0 };
}

const compared = (...suffixes: string[]) =>
  recorded(...suffixes).filter((name) => name.startsWith('chat-') && !Object.hasOwn(NOT_COMPARED, name));

describe('a recorded chat, whole', () => {
  it.each(compared('native', 'openai'))('%s', (name) => {
    const exchange = readChatCompletion(requestOf(`${name}.openai`));
    const context = { ...CONTEXT, model: exchange.model };
    const ours = exchange.whole(
      [{ value: collected(recording(`${name}.native`).response.body) }],
      context,
    ) as Reply;
    const theirs = replyOf(`${name}.openai`) as unknown as Reply;
    for (const { mend } of WHOLE_DIFFERENCES) theirs.choices.forEach(mend);
    expect(masked(ours)).toEqual(masked(theirs));
  });
});

describe('a recorded chat, streamed', () => {
  /** What a stream says, event by event, without what is empty or differs from run to run. */
  function said(events: unknown[]): unknown[] {
    return (events as (Reply | string)[]).flatMap((event): unknown[] => {
      if (typeof event === 'string') return [event];
      const [choice] = event.choices;
      if (choice === undefined) return [{ usage: event.usage }];
      const { content, reasoning, tool_calls } = choice.delta;
      const logprobs = choice.logprobs?.content.map(({ token }) => token);
      return [
        ...(reasoning ? [{ reasoning }] : []),
        ...(content ? [{ content, logprobs }] : []),
        ...(tool_calls ?? []).map((call) => ({ ...call, id: 'call' })),
        ...(choice.finish_reason ? [{ finish: choice.finish_reason }] : []),
      ];
    });
  }

  it.each(compared('native.stream', 'openai.stream'))('%s', (name) => {
    const exchange = readChatCompletion(requestOf(`${name}.openai.stream`));
    const encoder = exchange.encoder({ ...CONTEXT, model: exchange.model });
    const lines = linesOf(recording(`${name}.native.stream`).response.body);
    const ours = lines.map(({ chunk, line }) => encoder.write(0, chunk, line)).join('') + encoder.end();
    const theirs = recording(`${name}.openai.stream`).response.body;
    expect(said(eventsOf(ours))).toEqual(said(eventsOf(theirs)));
  });
});

describe("where Ollama's stream departs from OpenAI's, ours does not", () => {
  function streams(name: string) {
    const exchange = readChatCompletion(requestOf(`${name}.openai.stream`));
    const encoder = exchange.encoder(CONTEXT);
    const lines = linesOf(recording(`${name}.native.stream`).response.body);
    const ours = lines.map(({ chunk }) => encoder.write(0, chunk)).join('') + encoder.end();
    const parsed = (stream: string) => eventsOf(stream).filter((event) => event !== '[DONE]') as Reply[];
    return { ours: parsed(ours), theirs: parsed(recording(`${name}.openai.stream`).response.body) };
  }
  const roles = (events: Reply[]) =>
    events.filter((event) => event.choices[0]?.delta.role !== undefined).length;

  it('gives the role once: openai-python concatenates repeated ones', () => {
    const { ours, theirs } = streams('chat-hello');
    expect(roles(theirs)).toBeGreaterThan(1);
    expect(roles(ours)).toBe(1);
    expect(ours[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '', refusal: null });
  });

  it('has an empty delta in the finish chunk', () => {
    const { ours, theirs } = streams('chat-hello');
    const finish = (events: Reply[]) => events.find((event) => event.choices[0]?.finish_reason)?.choices[0];
    expect(finish(theirs)?.delta).toEqual({ role: 'assistant', content: '' });
    expect(finish(ours)).toEqual({ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' });
  });

  it('has `usage: null` in all chunks but the last when usage was asked for', () => {
    const { ours, theirs } = streams('chat-hello');
    expect(theirs.slice(0, -1).every((event) => event.usage === undefined)).toBe(true);
    expect(ours.slice(0, -1).every((event) => event.usage === null)).toBe(true);
    expect(ours.at(-1)?.usage).toEqual({ prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 });
  });
});

describe('a recorded request becomes the native request that was recorded beside it', () => {
  /** Where the two recordings do not ask for the same thing. */
  const DIFFERENT: Record<string, string> = {
    ...REFUSED,
    'chat-think': 'asks for `high` on one side and `true` on the other',
    'chat-num-predict-minus-one': 'asks for no limit, which is left out',
    'chat-long-prompt': 'sets num_ctx natively, which OpenAI has no field for',
    'chat-tool-answer': 'names the tool by its call: see the test below',
  };
  const names = recorded('native', 'openai').filter(
    (name) => name.startsWith('chat-') && !Object.hasOwn(DIFFERENT, name),
  );

  it.each(names)('%s', (name) => {
    const { stream: _stream, ...native } = requestOf(`${name}.native`) as Record<string, unknown>;
    const exchange = readChatCompletion(requestOf(`${name}.openai`));
    expect(exchange.endpoint).toBe('/api/chat');
    expect(exchange.calls.map(({ request }) => request)).toEqual([native]);
  });

  it('chat-tool-answer, with the name of the tool that answered', () => {
    const [call] = readChatCompletion(requestOf('chat-tool-answer.openai')).calls;
    expect(call?.request.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'call_1', function: { name: 'get_weather' } }] },
      { role: 'tool', tool_name: 'get_weather', tool_call_id: 'call_1' },
    ]);
  });
});

describe('what Ollama takes silently is refused', () => {
  it.each(Object.entries(REFUSED))('%s names %s', (name, param) => {
    expect(() => readChatCompletion(requestOf(`${name}.openai`))).toThrow(
      expect.objectContaining({ param, status: 400 }),
    );
  });
});
