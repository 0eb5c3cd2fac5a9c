import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../src/core/errors.js';
import { type NativeChunk, readCompletion } from '../../../src/core/translate/index.js';
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

interface Choice {
  text: string;
  index: number;
  logprobs: unknown;
  finish_reason: string | null;
}
interface Reply {
  id: string;
  created: number;
  choices: Choice[];
  usage?: object | null;
}

const read = (fields: object) => readCompletion({ model: 'm', prompt: 'a', ...fields });
const bad = (param: string | null) => expect.objectContaining({ status: 400, param });
const end = (response: string, more: object = {}): NativeChunk => ({
  response,
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 5,
  eval_count: 2,
  ...more,
});

describe('a recorded completion', () => {
  /** Ollama reports the load of the model as a completion that finished with "load": see the test of empty prompts. */
  const isCompared = (name: string) => name.startsWith('generate-') && name !== 'generate-empty-prompt';

  it.each(recorded('native', 'openai').filter(isCompared))(
    '%s is the same whole, but for `logprobs: null`',
    (name) => {
      const exchange = readCompletion(requestOf(`${name}.openai`));
      const value = collected(recording(`${name}.native`).response.body);
      const ours = exchange.whole([{ value }], CONTEXT) as Reply;
      const theirs = replyOf(`${name}.openai`) as unknown as Reply;
      expect({ ...ours, id: '', created: 0 }).toEqual({
        ...theirs,
        id: '',
        created: 0,
        choices: theirs.choices.map((choice) => ({ ...choice, logprobs: null })),
      });
    },
  );

  it.each(recorded('native.stream', 'openai.stream').filter(isCompared))(
    '%s is the same streamed, but for the usage of zeros in every chunk',
    (name) => {
      const encoder = readCompletion(requestOf(`${name}.openai.stream`)).encoder(CONTEXT);
      const lines = linesOf(recording(`${name}.native.stream`).response.body);
      const ours = eventsOf(lines.map(({ chunk }) => encoder.write(0, chunk)).join('') + encoder.end());
      const theirs = eventsOf(recording(`${name}.openai.stream`).response.body);
      const same = (event: unknown) => {
        if (event === '[DONE]') return event;
        const { choices, usage } = event as Reply;
        return {
          choices: choices.map((choice) => ({ ...choice, logprobs: null })),
          usage: choices.length > 0 ? null : usage,
        };
      };
      expect(ours.map(same)).toEqual(theirs.map(same));
      expect(ours.slice(0, -2).every((event) => (event as Reply).usage === null)).toBe(true);
    },
  );

  it.each(recorded('native', 'openai').filter(isCompared))('%s asks for the same', (name) => {
    const { stream: _stream, ...native } = requestOf(`${name}.native`) as Record<string, unknown>;
    const exchange = readCompletion(requestOf(`${name}.openai`));
    expect(exchange.endpoint).toBe('/api/generate');
    expect(exchange.calls.map(({ request }) => request)).toEqual([native]);
  });
});

describe('prompts', () => {
  it('are one call each, and per choice', () => {
    const { calls } = read({ prompt: ['a', 'bc'], n: 2, seed: 1 });
    expect(calls.map(({ request }) => [request.prompt, request.options?.seed])).toEqual([
      ['a', 1],
      ['a', 2],
      ['bc', 1],
      ['bc', 2],
    ]);
    expect(read({ prompt: ['a'] }).calls).toHaveLength(1);
  });

  it('have choices in the order of the calls, and one usage', () => {
    const whole = read({ prompt: ['a', 'b'] }).whole([{ value: end('A') }, { value: end('B') }], CONTEXT);
    expect(whole).toMatchObject({
      object: 'text_completion',
      id: expect.stringMatching(/^cmpl-[0-9a-f]{32}$/),
      choices: [
        { index: 0, text: 'A' },
        { index: 1, text: 'B' },
      ],
      usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 },
    });
  });

  it.each(['', ['']])(
    'that are empty (%j) are answered without asking: Ollama would only load the model',
    (prompt) => {
      const exchange = read({ prompt });
      expect(exchange.load).toBeUndefined();
      const { answer } = exchange.calls[0]!;
      expect(exchange.whole([{ value: answer! }], CONTEXT)).toMatchObject({
        choices: [{ text: '', finish_reason: 'stop' }],
        usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      });
      expect(read({ prompt: ['', 'a'] }).calls.map((call) => call.answer !== undefined)).toEqual([
        true,
        false,
      ]);
    },
  );

  it.each([
    [undefined, 'prompt'],
    [null, 'prompt'],
    [7, 'prompt'],
    [{}, 'prompt'],
    [[], 'prompt'],
    [[1, 2, 3], 'prompt'],
    [[[1], [2]], 'prompt'],
    [['a', {}], 'prompt[1]'],
    [Array.from({ length: 129 }, () => 'a'), 'prompt'],
  ])('are not %j', (prompt, param) => {
    expect(() => read({ prompt })).toThrow(bad(param));
  });
});

describe('a completion request', () => {
  it('takes the sampling that chat takes, and a suffix', () => {
    const { request } = read({ suffix: 'z', max_tokens: 5, temperature: 0.5, stop: ['x'] }).calls[0]!;
    expect(request).toEqual({
      model: 'm',
      prompt: 'a',
      suffix: 'z',
      options: { temperature: 0.5, stop: ['x'], num_predict: 5 },
    });
    expect(read({ suffix: '' }).calls[0]!.request).toEqual({ model: 'm', prompt: 'a' });
    expect(read({ max_tokens: 5 }).maxTokens).toBe(5);
  });

  it.each([
    [{ model: undefined }, 'model'],
    [{ model: undefined, MODEL: 'm' }, 'model'],
    [{ suffix: 7 }, 'suffix'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ n: 0 }, 'n'],
    [{ n: 9 }, 'n'],
    [{ best_of: 2 }, 'best_of'],
    [{ best_of: 1, n: 2 }, 'best_of'],
    [{ logprobs: 6 }, 'logprobs'],
    [{ logprobs: true }, 'logprobs'],
    [{ echo: 'x' }, 'echo'],
    [{ echo: true, logprobs: 1 }, 'echo'],
    [{ logit_bias: { 5: 1 } }, 'logit_bias'],
    [{ stream_options: {} }, 'stream_options'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
  ])('is not %j', (fields, param) => {
    expect(() => read(fields)).toThrow(bad(param));
  });

  it('may say best_of where it equals n', () => {
    expect(read({ best_of: 2, n: 2 }).calls).toHaveLength(2);
  });
});

describe('echo', () => {
  it('repeats each prompt before its text', () => {
    const whole = read({ prompt: ['a', 'b'], echo: true }).whole(
      [{ value: end('A') }, { value: end('B') }],
      CONTEXT,
    );
    expect((whole as Reply).choices.map(({ text }) => text)).toEqual(['aA', 'bB']);
  });

  it('comes first in a stream', () => {
    const encoder = read({ echo: true, stream: true }).encoder(CONTEXT);
    const text = encoder.write(0, { response: 'b', done: false }) + String(encoder.write(0, end('')));
    expect((eventsOf(text) as Reply[]).map(({ choices }) => choices[0]?.text)).toEqual(['a', 'b', '']);
  });
});

describe('logprobs of completions', () => {
  const given = [
    {
      token: 'He',
      logprob: -0.1,
      top_logprobs: [
        { token: 'He', logprob: -0.1 },
        { token: '__proto__', logprob: -3 },
      ],
    },
    { token: 'llo', logprob: -0.2 },
  ];
  const alternatives = [JSON.parse('{"He":-0.1,"__proto__":-3}'), {}];

  it('are in the old shape', () => {
    const { request } = read({ logprobs: 2 }).calls[0]!;
    expect(request).toMatchObject({ logprobs: true, top_logprobs: 2 });
    const whole = read({ logprobs: 2 }).whole(
      [{ value: end('Hello', { logprobs: given }) }],
      CONTEXT,
    ) as Reply;
    expect(whole.choices[0]?.logprobs).toEqual({
      tokens: ['He', 'llo'],
      token_logprobs: [-0.1, -0.2],
      top_logprobs: alternatives,
      text_offset: [0, 2],
    });
  });

  it('have no alternatives for 0', () => {
    const whole = read({ logprobs: 0 }).whole(
      [{ value: end('Hello', { logprobs: given }) }],
      CONTEXT,
    ) as Reply;
    expect(whole.choices[0]?.logprobs).toMatchObject({ tokens: ['He', 'llo'], top_logprobs: null });
  });

  it('count their offsets over the whole stream', () => {
    const encoder = read({ logprobs: 1, stream: true }).encoder(CONTEXT);
    const chunks = given.map((one) => ({ response: one.token, done: false, logprobs: [one] }));
    const events = eventsOf(chunks.map((chunk) => encoder.write(0, chunk)).join('')) as Reply[];
    expect(
      events.map(({ choices }) => (choices[0]!.logprobs as { text_offset: number[] }).text_offset),
    ).toEqual([[0], [2]]);
  });
});

describe('a streamed completion', () => {
  it('has null for a reason until the end, and no usage that was not asked for', () => {
    const encoder = read({ stream: true }).encoder(CONTEXT);
    const text =
      encoder.write(0, { response: 'x', done: false }) + String(encoder.write(0, end('y'))) + encoder.end();
    const reasons = (eventsOf(text) as (Reply | string)[]).map((event) =>
      typeof event === 'string' ? event : [event.choices[0]?.text, event.choices[0]?.finish_reason],
    );
    expect(reasons).toEqual([['x', null], ['y', null], ['', 'stop'], '[DONE]']);
    expect(text).not.toContain('usage');
  });

  it('fails with one event', () => {
    const text = read({ stream: true }).encoder(CONTEXT).fail(new GatewayError('upstream_timeout'));
    expect(eventsOf(text)).toEqual([{ error: expect.objectContaining({ code: 'upstream_timeout' }) }]);
  });
});
