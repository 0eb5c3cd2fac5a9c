/**
 * How many tokens a prompt will cost, before Ollama has counted it.
 *
 * A tokenizer that falls back to bytes never makes more tokens than there are bytes, so short prompts are held at
 * that bound. Longer ones are held by the model's ratio of tokens to bytes, learned from Ollama's own counts: up at
 * once, down slowly, so that an estimate is rather too high (it is given back) than too low (it would overdraw).
 */
import { LRUCache } from 'lru-cache';

export interface PromptSize {
  /** UTF-8 bytes of text. */
  promptBytes: number;
  /** Messages or inputs: the model's template puts tokens around each. */
  parts: number;
  /** Images and audio. */
  media: number;
}

export interface Estimator {
  /** Tokens to hold for the prompts of one request. */
  estimate(model: string, prompts: PromptSize[]): number;
  /** Learns from a prompt whose cost is known. */
  observe(model: string, prompt: PromptSize, tokens: number): void;
}

/** Below this many bytes every byte is taken for a token. */
const SHORT = 128;
/** Tokens of a template before anything was observed, and around each further message. */
const FRAME = 12;
const PER_PART = 4;
/** English text has about 0.25 tokens a byte, dense scripts and code up to 0.5. */
const RATIO = 0.45;
const MARGIN = 1.1;
/** Tokens of an image: 256 to 1600 in the vision models that Ollama serves. */
const PER_MEDIA = 1_024;
/** How much of the way down one observation takes the estimate. */
const FORGET = 0.05;
/** Models remembered; a name that a client made up must not cost memory for ever. */
const MODELS = 500;

interface Learned {
  frame: number;
  ratio: number;
}

export function createEstimator(): Estimator {
  const models = new LRUCache<string, Learned>({ max: MODELS });

  const learnedOf = (model: string): Learned => models.get(model) ?? { frame: FRAME, ratio: RATIO };
  const towards = (from: number, to: number) => (to > from ? to : from + (to - from) * FORGET);

  function estimateOne({ frame, ratio }: Learned, { promptBytes, parts, media }: PromptSize): number {
    const text =
      promptBytes <= SHORT ? promptBytes : Math.max(SHORT, promptBytes * Math.min(1, ratio * MARGIN));
    return Math.ceil(text + frame + PER_PART * Math.max(0, parts - 1) + PER_MEDIA * media);
  }

  return {
    estimate(model, prompts) {
      const learned = learnedOf(model);
      return prompts.reduce((sum, prompt) => sum + estimateOne(learned, prompt), 0);
    },

    observe(model, prompt, tokens) {
      if (prompt.media > 0 || tokens <= 0) return;
      const { frame, ratio } = learnedOf(model);
      const rest = tokens - PER_PART * Math.max(0, prompt.parts - 1);
      const next =
        prompt.promptBytes <= SHORT
          ? // Even where each byte is a token, what is more than the bytes is the template's.
            { frame: Math.max(PER_PART, towards(frame, rest - prompt.promptBytes)), ratio }
          : {
              frame,
              ratio: Math.min(1, towards(ratio, Math.max(0.05, (rest - frame) / prompt.promptBytes))),
            };
      models.set(model, next);
    },
  };
}
