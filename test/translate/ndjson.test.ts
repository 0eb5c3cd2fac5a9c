import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lineSplitter,
  parseChunk,
  readChatCompletion,
  readNativeChat,
} from '../../src/core/translate/index.js';
import { CONTEXT, eventsOf, linesOf, recorded, recording } from './recordings.js';

const texts = (lines: Buffer[]) => lines.map(String);

describe('lineSplitter', () => {
  it('returns a chunk that is exactly one line without copying it', () => {
    const chunk = Buffer.from('{"a":1}\n');
    expect(lineSplitter().push(chunk)[0]).toBe(chunk);
  });

  it('gives several lines of one chunk, and half of the next with the rest of it', () => {
    const lines = lineSplitter();
    expect(texts(lines.push(Buffer.from('{"a":1}\n{"b":2}\n{"c"')))).toEqual(['{"a":1}\n', '{"b":2}\n']);
    expect(texts(lines.push(Buffer.from(':3}\n')))).toEqual(['{"c":3}\n']);
    expect(lines.end()).toBeUndefined();
  });

  it('gives a last line without a line feed at the end', () => {
    const lines = lineSplitter();
    expect(lines.push(Buffer.from('{"done":true}'))).toEqual([]);
    expect(String(lines.end())).toBe('{"done":true}');
  });

  it('drops blank lines and the byte order mark, and takes CRLF', () => {
    const lines = lineSplitter();
    const got = [...'\ufeff\r\n\n{"a":1}\r\n \t\n\r\n{"b":2}\n\n'].flatMap((char) =>
      lines.push(Buffer.from(char)),
    );
    expect(got.map((line) => parseChunk(line))).toEqual([{ a: 1 }, { b: 2 }]);
    expect(lines.end()).toBeUndefined();
  });

  it('drops a mark that stands directly before the first line', () => {
    expect(texts(lineSplitter().push(Buffer.from('\ufeff{"a":1}\n')))).toEqual(['{"a":1}\n']);
  });

  it('takes a line of more than a mebibyte', () => {
    const long = JSON.stringify({ response: 'x'.repeat(1_500_000) });
    const lines = lineSplitter();
    const got = [long.slice(0, 700_000), `${long.slice(700_000)}\n`].flatMap((part) =>
      lines.push(Buffer.from(part)),
    );
    expect(got.map((line) => parseChunk(line))).toEqual([JSON.parse(long)]);
  });

  it('refuses a line above the limit, complete or not', () => {
    const tooLong = expect.objectContaining({ kind: 'upstream_error' });
    expect(() => lineSplitter({ maxLine: 8 }).push(Buffer.from('{"a":123}\n'))).toThrow(tooLong);
    const lines = lineSplitter({ maxLine: 8 });
    lines.push(Buffer.from('{"a":'));
    expect(() => lines.push(Buffer.from('1234'))).toThrow(tooLong);
    expect(lineSplitter({ maxLine: 8 }).push(Buffer.from('{"a":1}\n'))).toHaveLength(1);
  });

  it('cuts any text at any bytes into the same lines', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => `${JSON.stringify({ text })}\n`);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(400)), (lines, cuts) => {
        const got = linesOf(lines.join(''), cuts).map(({ chunk }) => chunk.text);
        expect(got).toEqual(lines.map((one) => (JSON.parse(one) as { text: string }).text));
      }),
    );
  });
});

describe('a stream that is cut anywhere', () => {
  // One of every kind: plain, many scripts, escapes, reasoning, tools, logprobs.
  const names = [
    'chat-hello',
    'chat-scripts',
    'chat-special',
    'chat-think',
    'chat-tools-two',
    'chat-logprobs',
  ];
  const request = { model: 'tiny', messages: [{ role: 'user', content: 'a' }] };

  function translated(body: string, cuts: number[]): unknown[] {
    const encoder = readChatCompletion({ ...request, stream: true, logprobs: true }).encoder(CONTEXT);
    const out = linesOf(body, cuts).map(({ chunk, line }) => encoder.write(0, chunk, line));
    // Each exchange has an id of its own.
    return eventsOf(out.join('') + encoder.end()).map((event) =>
      event === '[DONE]' ? event : { ...(event as object), id: '' },
    );
  }

  it.each(names)('%s gives the same events at every single byte', (name) => {
    const { body } = recording(`${name}.native.stream`).response;
    const whole = translated(body, []);
    const every = Array.from({ length: Buffer.byteLength(body) }, (_, at) => at);
    expect(translated(body, every)).toEqual(whole);
  });

  it('gives the same events and the same native bytes at any bytes', () => {
    const bodies = recorded('native.stream').map((name) => recording(`${name}.native.stream`).response.body);
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.array(fc.nat(4000), { maxLength: 20 }), (body, cuts) => {
        const encoder = readNativeChat(request).encoder(CONTEXT);
        expect(
          linesOf(body, cuts)
            .map(({ chunk, line }) => String(encoder.write(0, chunk, line)))
            .join(''),
        ).toBe(body);
      }),
      { numRuns: 50 },
    );
  });
});

describe('parseChunk', () => {
  it.each(['', '{', 'null', '[1]', '"x"', '404 page not found', '{"a":1}{"b":2}'])('refuses %j', (text) => {
    expect(() => parseChunk(Buffer.from(text))).toThrow(
      expect.objectContaining({ kind: 'upstream_error', status: 502 }),
    );
  });

  it('keeps counts as numbers on lines that hold tool calls', () => {
    const line =
      '{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"n":9007199254740993}}}]},"eval_count":7}';
    expect(parseChunk(Buffer.from(line)).eval_count).toBe(7);
  });

  it('reads the line of a token as JSON.parse does, whatever is in its strings', () => {
    const anyText = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(anyText, anyText, anyText, fc.constantFrom('\n', ''), (model, created_at, content, end) => {
        const message = { role: 'assistant', content };
        const text = JSON.stringify({ model, created_at, message, done: false });
        expect(parseChunk(Buffer.from(text + end))).toEqual(JSON.parse(Buffer.from(text).toString()));
      }),
    );
  });

  it('reads the line of a token as JSON.parse does, whatever one change does to it', () => {
    const message = { role: 'assistant', content: 'a "b" \\ c' };
    for (const content of ['a', message.content]) {
      const token = { model: 'm', created_at: 't', message: { ...message, content }, done: false };
      const line = `${JSON.stringify(token)}\n`;
      const changes = ['', '"', '\\', '{', '}', ',', ',"content":"b"', '\n', '\u0000', ' ', '\ufeff'];
      for (let at = 0; at <= line.length; at += 1) {
        for (const change of changes) {
          for (const text of [
            line.slice(0, at) + change + line.slice(at),
            line.slice(0, at) + change + line.slice(at + 1),
          ]) {
            expect(readBy(() => parseChunk(Buffer.from(text)))).toEqual(readBy(() => JSON.parse(text)));
          }
        }
      }
    }
  });
});

/** undefined where it was no JSON. */
function readBy(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
