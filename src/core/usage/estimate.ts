/**
 * How many tokens a prompt has, where Ollama has not counted it: before it runs, and after an answer that ended early.
 *
 * Two figures: what is *expected*, the best guess, is charged for what was not counted. What is *held* is a bound that
 * counts very rarely exceed. What a model makes of a prompt's units (prompt-size.ts) is learned from Ollama's own
 * counts, so that no user moves the figures of others (voices.ts), and nobody lowers what is held.
 */
import { LRUCache } from 'lru-cache';
import { createLearned, type Kept, type Learned, type Seen } from './learned.js';
import { KINDS, type Kind, type PromptSize } from './prompt-size.js';

/** Tokens of one prompt. */
export interface Estimate {
  expected: number;
  held: number;
}

export interface Estimator {
  /** @param context the most tokens that the model reads of a prompt, where that is known */
  estimate(model: string, user: string, size: PromptSize, context?: number): Estimate;
  /** Learns from a prompt that Ollama has counted. */
  observe(model: string, user: string, size: PromptSize, seen: Seen): void;
  /**
   * How much of a prompt Ollama can have evaluated that has sent nothing yet.
   * @param elapsed milliseconds since it was asked
   */
  evaluated(model: string, user: string, expected: number, elapsed: number): number;
  /** The model has begun an answer: it is in memory. */
  answered(model: string): void;
  /** What was learned since the last time, by model: for the store. */
  news(): [model: string, kept: Kept][];
  /** What the store has. */
  recall(model: string, kept: Kept): void;
}

/** Models remembered. */
const MODELS = 128;

/** Tokens that a template puts around a prompt and around each further message; for each input that it has no part in. */
const FRAME = { held: 20, more: 4, share: 1.25 };
const PART = { expected: 5, held: 8 };
const BARE = { expected: 1, held: 3 };

/** Up to so many bytes each is held as a token: no text has more. */
const SHORT_BYTES = 128;
/** What is held of a unit, over what is expected; and what is held of one of a model that was hardly seen. */
const MARGIN = 1.5;
const UNKNOWN = 3;
/** What is held of a unit at least: nobody brings it below by choosing texts. */
const LEAST: Record<Kind, number> = { ascii: 1.5, other: 1.5, space: 1, tools: 1.5, media: 1.5 };
/** Over the densest texts of a user's own that were seen. */
const DENSEST = 1.1;

/** Milliseconds for which Ollama keeps a model in memory that nobody asks for, unless told otherwise. */
const RESIDENT_MS = 240_000;

export function createEstimator(now: () => number = () => performance.now()): Estimator {
  const models = new LRUCache<string, Learned>({ max: MODELS });
  /** Of models that never answered: names that clients make up displace nothing. */
  const nothing = createLearned();

  /** Of a model that has answered. */
  function modelOf(model: string): Learned {
    let learned = models.get(model);
    if (!learned) {
      learned = createLearned();
      models.set(model, learned);
    }
    return learned;
  }

  return {
    estimate(model, user, size, context = Number.POSITIVE_INFINITY) {
      const learned = models.get(model) ?? nothing;
      const { figures, densest, known } = learned.for(user);
      const { units, bytes, extra, tokens, parts, framed } = size;
      const further = Math.max(0, parts - 1);

      let expected = framed ? figures.frame + PART.expected * further : BARE.expected * parts;
      let beside = framed
        ? Math.max(FRAME.held, figures.frame * FRAME.share + FRAME.more, learned.frame() + FRAME.more) +
          PART.held * further
        : BARE.held * parts;
      let text = 0;
      for (const kind of KINDS) {
        if (units[kind] === 0) continue;
        const factor = figures[kind];
        const most = Math.max(
          LEAST[kind],
          kind === 'space' ? 0 : factor * MARGIN,
          densest[kind] * DENSEST,
          known[kind] ? 0 : UNKNOWN,
        );
        expected += units[kind] * factor;
        if (kind === 'tools' || kind === 'media') beside += units[kind] * most;
        else text += units[kind] * most;
      }
      beside += extra * Math.max(1, figures.ascii) * MARGIN;
      text = bytes <= SHORT_BYTES ? bytes : Math.min(bytes, Math.max(SHORT_BYTES, text));
      const held = Math.min(context, Math.ceil(text + beside) + tokens);
      return { expected: Math.min(held, Math.round(expected) + tokens), held };
    },

    observe: (model, user, size, seen) => modelOf(model).observe(user, size, seen),

    evaluated(model, user, expected, elapsed) {
      const learned = models.get(model) ?? nothing;
      const { rate, load } = learned.for(user).figures;
      const loading = now() - elapsed - learned.answeredAt < RESIDENT_MS ? 0 : load;
      return Math.min(expected, Math.max(0, Math.floor(((elapsed - loading) * rate) / 1_000)));
    },

    answered(model) {
      modelOf(model).answeredAt = now();
    },

    news() {
      const all: [string, Kept][] = [];
      for (const [model, learned] of models.entries()) {
        const kept = learned.news();
        if (kept) all.push([model, kept]);
      }
      return all;
    },

    recall: (model, kept) => modelOf(model).recall(kept),
  };
}
