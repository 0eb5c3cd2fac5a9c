/** Texts as people send them, by chance that repeats itself, and tokenizers that count them. */
import { createTokenizer } from '../../src/testing/tokens.js';

const PIECES = [
  'The quick brown fox jumps over the lazy dog, and nobody in the house seems to mind. ',
  'Please summarise the following report in three sentences, without leaving out any of the figures. ',
  'Why does my server answer slowly when several clients ask for the same model at once? ',
  'const total = items.reduce((sum, item) => sum + item.price * item.count, 0);\n',
  'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n\n',
  '{"id": 1042, "name": "Anna", "tags": ["a", "b"], "active": true, "score": 17.25}\n',
  'SELECT user_id, sum(tokens) FROM usage WHERE hour >= 12 GROUP BY user_id;\n',
  '| model | tokens | seconds |\n| --- | --- | --- |\n| llama2 | 1,024 | 3.5 |\n',
  'Die Würde des Menschen ist unantastbar. Sie zu achten ist Verpflichtung aller staatlichen Gewalt. ',
  'Все люди рождаются свободными и равными в своем достоинстве и правах. ',
];

export interface Sayings {
  text(length: number): string;
  /** Small ones as often as large ones. */
  length(least: number, most: number): number;
  chance(of: number): boolean;
}

export function sayings(seed: number): Sayings {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  return {
    text(length) {
      let text = '';
      while (text.length < length) text += PIECES[Math.floor(next() * PIECES.length)]!;
      return text.slice(0, length);
    },
    length: (least, most) => Math.floor(least * (most / least) ** next()),
    chance: (of) => next() < of,
  };
}

/** Tokens of a prompt with one message. */
export type Tokenizing = (text: string) => number;

const tiny = createTokenizer();

export const TOKENIZERS: Record<string, Tokenizing> = {
  /** The tiny models of the recordings: 446 merges. */
  tiny: (text) => 9 + tiny.encode(text).length,
  /** A large vocabulary: words, numbers and signs; other scripts in parts. */
  words: (text) =>
    30 +
    (text.match(/ ?[A-Za-z]{1,8}|\d{1,3}|[^\sA-Za-z\d\u0080-\uffff]+|\s+(?=\s)|\n/g) ?? []).length +
    Math.ceil((text.match(/[\u0080-\uffff]/g) ?? []).length * 0.45),
  /** No merges at all. */
  bytes: (text) => 4 + Buffer.byteLength(text),
};
