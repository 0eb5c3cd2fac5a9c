/**
 * The units of a text: see prompt-size.ts. One look at each character and no allocation, as every prompt is measured.
 *
 * The weights were fitted to the tokens that Llama 2, Llama 3, cl100k and o200k make of prose, code, JSON, HTML and 17
 * languages: with one factor for a vocabulary, most of these come within a fifth of what is counted.
 */

/** Sums over the texts that were looked at. */
export interface Scan {
  /** Units of ASCII but for `space`. */
  ascii: number;
  /** Units of all other characters. */
  other: number;
  /** Units of white space that follows on white space: hardly any tokens in some vocabularies, in others one each. */
  space: number;
  /** UTF-8. */
  bytes: number;
}

const LOWER = 0;
const UPPER = 1;
const DIGIT = 2;
const BLANK = 3;
const BREAK = 4;
const SIGN = 5;
const BEYOND = 6;

const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return LOWER;
  if (/[A-Z]/.test(character)) return UPPER;
  if (/[0-9]/.test(character)) return DIGIT;
  if (/[ \t]/.test(character)) return BLANK;
  return /[\r\n]/.test(character) ? BREAK : SIGN;
});

/** A word, and each of its letters beyond some: what no vocabulary has whole is cut, and nonsense into short pieces. */
const WORD = 1.05;
const LONG_WORD = { beyond: 6, letter: 0.15 };
const NONSENSE = { beyond: 14, letter: 0.5 };
/** Small letters after several capitals. */
const CASE = 0.4;
const NUMBER = 0.7;
const DIGIT_UNITS = 0.3;
const SIGN_UNITS = 0.6;
const BREAK_UNITS = 0.5;
const RUN = { blank: 0.5, line: 1 };

/** Latin letters with accents, Greek to Thaana, India to Georgia, East Asia, and each half of what is beyond. */
const ACCENTED = 0.75;
const ALPHABET = 0.55;
const SYLLABLES = 0.7;
const IDEOGRAPH = 0.85;
const HALF = 0.65;

function unitsBeyond(code: number): number {
  if (code < 0x250) return ACCENTED;
  if (code < 0x800) return ALPHABET;
  if (code < 0x3000) return SYLLABLES;
  return isHalf(code) ? HALF : IDEOGRAPH;
}

const isHalf = (code: number) => code >= 0xd800 && code < 0xe000;

/** Adds what `text` has between the two places. */
export function scanText(text: string, from: number, to: number, scan: Scan): void {
  let { ascii, other, space, bytes } = scan;
  let before = -1;
  let letters = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 128) {
      other += unitsBeyond(code);
      bytes += code < 0x800 || isHalf(code) ? 2 : 3;
      before = code < 0x250 ? LOWER : BEYOND;
      continue;
    }
    bytes += 1;
    const kind = CLASSES[code]!;
    if (kind <= UPPER) {
      const begins = before > UPPER || before === -1 || (kind === UPPER && before === LOWER);
      if (begins) {
        ascii += WORD;
        letters = 1;
      } else {
        letters += 1;
        if (kind === LOWER && before === UPPER && letters > 2) ascii += CASE;
        else if (letters > NONSENSE.beyond) ascii += NONSENSE.letter;
        else if (letters > LONG_WORD.beyond) ascii += LONG_WORD.letter;
      }
    } else if (kind === DIGIT) {
      ascii += before === DIGIT ? DIGIT_UNITS : NUMBER + DIGIT_UNITS;
    } else if (kind === SIGN) {
      ascii += SIGN_UNITS;
    } else if (before === BLANK || before === BREAK) {
      space += kind === BREAK ? RUN.line : RUN.blank;
    } else if (kind === BREAK) {
      ascii += BREAK_UNITS;
    }
    before = kind;
  }
  scan.ascii = ascii;
  scan.other = other;
  scan.space = space;
  scan.bytes = bytes;
}
