/**
 * JSON as Go writes it, and numbers that survive a round trip.
 */

interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
}

// Node >= 22 has both; TypeScript's library does not know them yet.
const exact = JSON as unknown as ExactJson;

/**
 * `JSON.parse` that keeps the digits of numbers which a double cannot hold (2^53 + 1, 1.0, 1e400): `JSON.stringify`
 * writes them as they came. All other numbers are ordinary numbers. Several times slower than `JSON.parse`.
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? exact.rawJSON(source)
      : value,
  );
}

const ESCAPES: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u0085': '\\u0085',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/**
 * `JSON.stringify` with the escapes of Go's encoder, as Ollama answers. U+0085, which Go leaves raw, is escaped too:
 * ollama-python splits lines there, and the escaped form is the same JSON.
 */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u0085\u2028\u2029]/g, (char) => ESCAPES[char] ?? char);
}
