import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goJson, parseExact, sseEvent } from '../../src/core/translate/index.js';

describe('parseExact', () => {
  it.each([
    '9007199254740993',
    '-9007199254740993',
    '1.0',
    '1e400',
    '0.10',
    '123456789012345678901234567890',
    '-0',
  ])('keeps the digits of %s', (digits) => {
    expect(JSON.stringify(parseExact(`{"a":[${digits}]}`))).toBe(`{"a":[${digits}]}`);
  });

  it('is JSON.parse for everything that survives it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(parseExact(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('makes `__proto__` a key like any other', () => {
    const value = parseExact('{"__proto__":{"polluted":1.0}}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(value.polluted).toBeUndefined();
  });
});

describe('goJson', () => {
  it("has the escapes of Go's encoder, and U+0085's", () => {
    expect(goJson('<b>&</b>\u2028\u2029\u0085')).toBe(
      '"\\u003cb\\u003e\\u0026\\u003c/b\\u003e\\u2028\\u2029\\u0085"',
    );
  });

  it('is the same JSON, for any value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(JSON.parse(goJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(goJson(value)).not.toMatch(/[<>&\u0085\u2028\u2029\n]/);
      }),
    );
  });
});

describe('sseEvent', () => {
  it('is one line of data, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const event = sseEvent({ text });
        expect(event).toMatch(/^data: [^\r\n]*\n\n$/);
        expect(JSON.parse(event.slice('data: '.length))).toEqual({ text });
      }),
    );
  });

  it('names its type where it has one', () => {
    expect(sseEvent({ a: 1 }, 'error')).toBe('event: error\ndata: {"a":1}\n\n');
  });
});
