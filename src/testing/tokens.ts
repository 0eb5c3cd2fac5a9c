/** How a text becomes tokens and tokens become bytes: byte-level BPE, as the tiny models do it. */
import { LETTERS, MERGES, SPECIAL, TOKENS } from './vocabulary.js';

/** GPT-2's rule for where a text may be cut before merging. */
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const SPECIAL_TEXT = /(<\|[a-z_]+\|>)/;

/** Merging takes time with the square of a word's length, so what no human language has is cut. */
const PARTS = /.{1,200}/gsu;

/** Words that are remembered; texts repeat themselves, and merging is the slow part. */
const REMEMBERED = 20_000;

export interface Tokenizer {
  encode(text: string): number[];
  /** The bytes of one token, one character (U+0000 to U+00FF) each: a token may be half a letter. */
  bytes(token: number): string;
  decode(tokens: number[]): string;
}

/** Bytes as {@link Tokenizer.bytes} gives them, read as UTF-8. */
export const toText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** The UTF-8 bytes of a text, one character each. */
export const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export function createTokenizer(): Tokenizer {
  const ranks = new Map(MERGES.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const ids = new Map(TOKENS.map((token, id) => [token, id]));
  const byteOf = new Map(LETTERS.map((letter, byte) => [letter, String.fromCharCode(byte)]));
  const known = new Map<string, number[]>();
  const texts = TOKENS.map((token, id) =>
    id < SPECIAL.length ? token : [...token].map((letter) => byteOf.get(letter)).join(''),
  );

  function merge(word: string): number[] {
    const parts = [...Buffer.from(word)].map((byte) => LETTERS[byte]!);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let index = 0; index + 1 < parts.length; index += 1) {
        const rank = ranks.get(`${parts[index]} ${parts[index + 1]}`) ?? Number.POSITIVE_INFINITY;
        if (rank < best) {
          best = rank;
          at = index;
        }
      }
      if (at < 0) return parts.map((part) => ids.get(part)!);
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
  }

  function tokensOf(word: string): number[] {
    if (word.length > 200) return word.match(PARTS)!.flatMap(merge);
    const remembered = known.get(word);
    if (remembered) return remembered;
    const tokens = merge(word);
    if (known.size < REMEMBERED && word.length < 40) known.set(word, tokens);
    return tokens;
  }

  return {
    encode: (text) =>
      text.split(SPECIAL_TEXT).flatMap((part) => {
        const special = SPECIAL.indexOf(part);
        if (special >= 0) return [special];
        return (part.match(WORDS) ?? []).flatMap(tokensOf);
      }),
    bytes: (token) => texts[token] ?? '',
    decode: (tokens) => toText(tokens.map((token) => texts[token] ?? '').join('')),
  };
}
