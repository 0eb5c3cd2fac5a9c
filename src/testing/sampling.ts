/**
 * How a model's tokens become pieces of text: Ollama's runner holds back what is half a letter or may
 * become a stop string, and ends at a stop string, at the limit, or when the model has said all.
 */
import { type Logprob, logprobOf } from './logprobs.js';
import { type Tokenizer, toBytes, toText } from './tokens.js';

export interface Sampling {
  /** All the model has to say. */
  tokens: number[];
  stop: string[];
  /** Undefined is no limit. */
  limit?: number;
  /** How many alternatives per token; undefined for no logprobs. */
  top?: number;
}

export interface Step {
  /** Tokens generated so far, the one that ends the answer included. */
  count: number;
  /** What is sent at this step; '' where it is held back. */
  text: string;
  logprobs: Logprob[];
  /** Set on the last step. */
  reason?: 'stop' | 'length';
}

/** Bytes at the end of a text that begin a letter and do not end it. */
function unfinished(bytes: string): boolean {
  for (let back = 1; back <= 4 && back <= bytes.length; back += 1) {
    const byte = bytes.charCodeAt(bytes.length - back);
    if (byte < 0x80) return false;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2);
  }
  return false;
}

/** One step per token. The last one carries no text but what was held back. */
export function* sample({ tokens, stop, limit, top }: Sampling, tokenizer: Tokenizer): Generator<Step> {
  const stops = stop.map(toBytes);
  const starts = stops.flatMap((each) => Array.from(each, (_, index) => each.slice(0, index + 1)));
  let held = '';
  let logprobs: Logprob[] = [];
  let count = 0;

  for (const token of tokens) {
    if (count === limit) {
      yield { count, text: toText(held), logprobs, reason: 'length' };
      return;
    }
    count += 1;
    held += tokenizer.bytes(token);
    if (top !== undefined) logprobs.push(logprobOf(tokenizer.bytes(token), count - 1, top));

    const reached = stops.map((each) => held.indexOf(each)).filter((at) => at >= 0);
    if (reached.length > 0) {
      yield { count, text: toText(held.slice(0, Math.min(...reached))), logprobs, reason: 'stop' };
      return;
    }
    const hold = unfinished(held) || starts.some((each) => held.endsWith(each));
    yield { count, text: hold ? '' : toText(held), logprobs: hold ? [] : logprobs };
    if (!hold) {
      held = '';
      logprobs = [];
    }
  }
  if (count === limit) yield { count, text: toText(held), logprobs, reason: 'length' };
  else yield { count: count + 1, text: toText(held), logprobs, reason: 'stop' };
}
