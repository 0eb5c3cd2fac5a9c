/** JSON as Go's encoding/json reads it, with its error texts: Ollama's clients see them. */

/** One parsed value. `raw` is the text it was read from. */
export type GoNode = { raw: string } & (
  | { kind: 'object'; entries: [string, GoNode][] }
  | { kind: 'array'; items: GoNode[] }
  | { kind: 'string'; value: string }
  | { kind: 'number'; value: number }
  | { kind: 'bool'; value: boolean }
  | { kind: 'null' }
);

/** Its message is what Go says. */
export class GoJsonError extends Error {}

/** There was nothing to read: Go's io.EOF. */
export class EmptyBody extends GoJsonError {}

const PLAIN = /[^"\\]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** What comes before the first control character, which must be escaped in a string. */
function printable(text: string): string {
  for (let index = 0; index < text.length; index += 1)
    if (text.charCodeAt(index) < 32) return text.slice(0, index);
  return text;
}

/**
 * Reads the first value of a text and ignores what follows, as Go's Decoder does.
 * @throws {EmptyBody} {GoJsonError}
 */
export function parseGoJson(text: string): GoNode {
  let at = 0;

  const space = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at]!)) at += 1;
  };

  const unexpected = (where: string): GoJsonError => {
    if (at >= text.length) return new GoJsonError('unexpected EOF');
    const character = String.fromCodePoint(text.codePointAt(at)!);
    const shown = character === "'" ? "'\\''" : `'${JSON.stringify(character).slice(1, -1)}'`;
    return new GoJsonError(`invalid character ${character === '"' ? `'"'` : shown} ${where}`);
  };

  const string = (): string => {
    let value = '';
    at += 1;
    for (;;) {
      PLAIN.lastIndex = at;
      const plain = printable(PLAIN.exec(text)![0]);
      value += plain;
      at += plain.length;
      if (text[at] === '"') {
        at += 1;
        return value;
      }
      if (text[at] !== '\\') throw unexpected('in string literal');
      at += 1;
      if (text[at] === 'u') {
        const hex = text.slice(at + 1, at + 5);
        const wrong = [...hex].findIndex((digit) => !/[0-9a-fA-F]/.test(digit));
        if (wrong >= 0 || hex.length < 4) {
          at += 1 + (wrong < 0 ? hex.length : wrong);
          throw unexpected('in \\u hexadecimal character escape');
        }
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 5;
      } else {
        const escaped = ESCAPES[text[at] ?? ''];
        if (escaped === undefined) throw unexpected('in string escape code');
        value += escaped;
        at += 1;
      }
    }
  };

  const literal = (word: string) => {
    for (const [index, letter] of [...word].entries()) {
      if (text[at] !== letter) {
        if (index === 0) throw unexpected('looking for beginning of value');
        throw unexpected(`in literal ${word} (expecting '${letter}')`);
      }
      at += 1;
    }
  };

  const object = (): [string, GoNode][] => {
    const entries: [string, GoNode][] = [];
    at += 1;
    space();
    if (text[at] === '}') {
      at += 1;
      return entries;
    }
    for (;;) {
      space();
      if (text[at] !== '"') throw unexpected('looking for beginning of object key string');
      const key = string();
      space();
      if (text[at] !== ':') throw unexpected('after object key');
      at += 1;
      entries.push([key, value()]);
      space();
      if (text[at] !== ',' && text[at] !== '}') throw unexpected('after object key:value pair');
      at += 1;
      if (text[at - 1] === '}') return entries;
    }
  };

  const array = (): GoNode[] => {
    const items: GoNode[] = [];
    at += 1;
    space();
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(value());
      space();
      if (text[at] !== ',' && text[at] !== ']') throw unexpected('after array element');
      at += 1;
      if (text[at - 1] === ']') return items;
    }
  };

  function value(): GoNode {
    space();
    const start = at;
    const raw = () => text.slice(start, at);
    const first = text[at];
    if (first === '{') {
      const entries = object();
      return { kind: 'object', entries, raw: raw() };
    }
    if (first === '[') {
      const items = array();
      return { kind: 'array', items, raw: raw() };
    }
    if (first === '"') {
      const content = string();
      return { kind: 'string', value: content, raw: raw() };
    }
    if (first === 't' || first === 'f') {
      literal(first === 't' ? 'true' : 'false');
      return { kind: 'bool', value: first === 't', raw: raw() };
    }
    if (first === 'n') {
      literal('null');
      return { kind: 'null', raw: raw() };
    }
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    if (number) {
      at += number.length;
      return { kind: 'number', value: Number(number), raw: number };
    }
    if (first === '-') {
      at += 1;
      throw unexpected('in numeric literal');
    }
    throw unexpected('looking for beginning of value');
  }

  space();
  if (at >= text.length) throw new EmptyBody('EOF');
  return value();
}

/** What Go decodes into an `any`: of equal keys the last one counts. */
export function plain(node: GoNode): unknown {
  if (node.kind === 'object')
    return Object.fromEntries(node.entries.map(([key, inner]) => [key, plain(inner)]));
  if (node.kind === 'array') return node.items.map(plain);
  return node.kind === 'null' ? null : node.value;
}
