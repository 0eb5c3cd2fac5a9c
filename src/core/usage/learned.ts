/** What is learned of one model from the prompts that Ollama has counted. */
import { LRUCache } from 'lru-cache';
import { KINDS, type Kind, type PromptSize } from './prompt-size.js';
import { figureOf, hear, newVoice, OWN_VALUES, recalled, type Voice } from './voices.js';

/**
 * `frame`: tokens that the template puts around a prompt. A kind: tokens of one unit. `rate`: prompt tokens a second.
 * `load`: milliseconds until the model is in memory.
 */
export type Figure = 'frame' | Kind | 'rate' | 'load';
export type Figures = Record<Figure, number>;

/** One prompt as Ollama has counted it. */
export interface Seen {
  tokens: number;
  /** Those that were in its cache, where it says so. */
  cached?: number;
  /** Milliseconds. */
  evaluating?: number;
  loading?: number;
}

/** A user's part of it. */
export interface View {
  figures: Figures;
  /** The most tokens of one unit that the user's own prompts had; 0 where they had no more than is expected. */
  densest: Record<Kind, number>;
  /** Whether enough was seen of a kind to go by. */
  known: Record<Kind, boolean>;
}

/** One voice as the store keeps it: the values of each figure; and the densest text, with its time. */
export interface Said {
  at: number;
  said: Partial<Record<Figure, number[]>>;
  densest?: Partial<Record<Kind, [tokens: number, at: number]>>;
}

/** What the store keeps of a model. */
export interface Kept {
  voices: Record<string, Said>;
  /** See {@link Learned.frame}; and when it was seen. */
  frame: [tokens: number, at: number];
}

export interface Learned {
  /** Of a user who was never heard, too. */
  for(user: string): View;
  observe(user: string, size: PromptSize, seen: Seen): void;
  /** What the template is known for certain to put around a prompt: the tokens that were more than the bytes. */
  frame(): number;
  /** When it began its last answer, by the clock of `performance.now()`. */
  answeredAt: number;
  /** What was learned since the last time; undefined where nothing was. */
  news(): Kept | undefined;
  recall(kept: Kept): void;
}

const FIGURES = ['frame', ...KINDS, 'rate', 'load'] as const;
/** Before anything was seen. Of what is no ASCII, and of tools, the same factor is expected as of ASCII. */
const GUESS: Figures = {
  frame: 10,
  ascii: 1,
  other: 1,
  space: 0.1,
  tools: 1,
  media: 1,
  rate: 1_000,
  load: 10_000,
};
const LIKE_ASCII: readonly Figure[] = ['other', 'tools'];
const BOUNDS: Record<Kind, [least: number, most: number]> = {
  ascii: [0.7, 8],
  other: [0.5, 8],
  space: [0.02, 2],
  tools: [0.05, 8],
  media: [0.2, 20],
};

/** Voices kept: the users who were heard last. */
const USERS = 64;
/** Values of a kind, of all users, from which on it is taken for known. */
const ENOUGH = 3;
/** A change of others' voices shows when there were so many. */
const STALE = 8;
/** Once all of a user's own values are there, so many prompts pass for each that is learned from. */
const EVERY = 4;

/** Tokens of text below which a prompt tells of the frame, and from which on of its text. */
const FRAME_TELLS = 24;
/** The part of a prompt that a kind must have to tell of it, and to be held for the density of the whole. */
const DOMINANT = 0.5;
const PRESENT = 0.2;
/** So much more than expected is a dense text. */
const DENSE = 1.2;
/** Tokens around each further message. */
const PART = 5;
const PART_AT_MOST = 8;
/** A prompt of so many tokens that is counted at so much less has been cut to the model's context. */
const CUT = { tokens: 1_500, share: 0.6 };
/** Tokens of which the time says something, and milliseconds that are no look at a model which is there already. */
const TIMED = 64;
const LOADED = 200;
/** Milliseconds for which the densest text is held against its user, and the frame that is certain is believed. */
const REMEMBER_MS = 7 * 86_400_000;

interface User {
  voices: Partial<Record<Figure, Voice>>;
  densest: Partial<Record<Kind, [tokens: number, at: number]>>;
  heardAt: number;
  /** Prompts since one was learned from. */
  passed: number;
  /** Heard since the store was told. */
  fresh: boolean;
  view?: View;
  /** As of which change of any voice the view is. */
  viewedAt: number;
}

const newUser = (): User => ({ voices: {}, densest: {}, heardAt: 0, passed: 0, fresh: false, viewedAt: 0 });

/** @param now milliseconds since 1970 */
export function createLearned(now: () => number = Date.now): Learned {
  const users = new LRUCache<string, User>({ max: USERS });
  const stranger = newUser();
  let changes = 0;
  let certain: Kept['frame'] = [0, 0];
  let fresh = false;

  function userOf(id: string): User {
    let user = users.get(id);
    if (!user) {
      user = newUser();
      users.set(id, user);
    }
    return user;
  }

  function say(user: User, figure: Figure, value: number): void {
    const before = user.voices[figure];
    const saidBefore = before?.said;
    const voice = before ?? newVoice();
    user.voices[figure] = voice;
    hear(voice, value);
    // All that others hear of a voice is its median.
    const heard = voice.said !== saidBefore;
    if (heard) changes += 1;
    if (!user.view) return;
    // A user's own value moves this figure alone, and makes the view no older.
    if (heard) user.viewedAt += 1;
    refresh(user, user.view, figure);
    if (figure === 'ascii') for (const like of LIKE_ASCII) refresh(user, user.view, like);
  }

  /** What all users but one say of a figure. */
  function saidBeside(user: User, figure: Figure): number[] {
    const said: number[] = [];
    for (const one of users.values()) {
      const voice = one === user ? undefined : one.voices[figure];
      if (voice) said.push(voice.said);
    }
    return said;
  }

  function refresh(user: User, { figures, densest, known }: View, figure: Figure): void {
    const own = user.voices[figure]?.own ?? [];
    const others = saidBeside(user, figure);
    const guess = LIKE_ASCII.includes(figure) ? figures.ascii : GUESS[figure];
    figures[figure] = figureOf(own, others, guess);
    if (!isKind(figure)) return;
    const [least, most] = BOUNDS[figure];
    figures[figure] = Math.min(most, Math.max(least, figures[figure]));
    known[figure] = own.length + others.length >= ENOUGH;
    const [tokens, at] = user.densest[figure] ?? [0, 0];
    densest[figure] = now() - at < REMEMBER_MS ? tokens : 0;
  }

  function look(user: User): View {
    const view: View = {
      figures: { ...GUESS },
      known: {} as View['known'],
      densest: {} as View['densest'],
    };
    for (const figure of FIGURES) refresh(user, view, figure);
    return view;
  }

  function viewFor(user: User): View {
    if (!user.view || changes - user.viewedAt >= STALE) {
      user.view = look(user);
      user.viewedAt = changes;
    }
    return user.view;
  }

  function learn(user: User, size: PromptSize, tokens: number): void {
    const { figures } = viewFor(user);
    const { units, parts, framed } = size;
    const around = framed ? figures.frame + PART * Math.max(0, parts - 1) : parts;
    const has = (kind: Kind) => units[kind] * figures[kind];
    const text = KINDS.reduce((sum, kind) => sum + has(kind), 0);
    const counted = tokens - size.tokens;
    if (text + around > CUT.tokens && counted < (text + around) * CUT.share) return;

    if (text < FRAME_TELLS) {
      if (framed && parts <= 2) say(user, 'frame', Math.max(0, counted - text - PART * (parts - 1)));
      return;
    }
    const kind = KINDS.reduce((most, one) => (has(one) > has(most) ? one : most));
    const factor = (counted - around - (text - has(kind))) / units[kind];
    if (has(kind) >= DOMINANT * (text + around) && factor > 0) say(user, kind, factor);
  }

  /** Who has sent denser texts than others is held for them from then on. */
  function noteDense(user: User, { units, tokens, parts, framed }: PromptSize, counted: number): void {
    const { figures } = viewFor(user);
    const text = KINDS.reduce((sum, kind) => sum + units[kind] * figures[kind], 0);
    const around = framed ? figures.frame + PART * Math.max(0, parts - 1) : parts;
    const ratio = (counted - tokens - around) / text;
    if (text < FRAME_TELLS || ratio <= DENSE) return;
    for (const kind of KINDS) {
      const factor = figures[kind] * ratio;
      if (units[kind] * figures[kind] < PRESENT * text || factor <= (user.densest[kind]?.[0] ?? 0)) continue;
      user.densest[kind] = [factor, now()];
      user.view = undefined;
      user.fresh = true;
    }
  }

  /** No text has more tokens than bytes. What more was counted is the template's, whoever asked. */
  function prove({ units, bytes, tokens, extra, parts, framed }: PromptSize, counted: number): void {
    if (!framed || parts > 2 || units.tools > 0 || units.media > 0 || tokens > 0 || extra > 0) return;
    const more = counted - bytes - PART_AT_MOST * (parts - 1);
    if (more > certain[0] || (certain[0] > 0 && now() - certain[1] > REMEMBER_MS)) {
      certain = [Math.max(0, more), now()];
      fresh = true;
    }
  }

  function time(user: User, { tokens, cached = 0, evaluating, loading }: Seen): void {
    const evaluated = tokens - cached;
    if (evaluating !== undefined && evaluating > 0 && evaluated >= TIMED) {
      say(user, 'rate', (evaluated / evaluating) * 1_000);
    }
    if (loading !== undefined && loading > LOADED) say(user, 'load', loading);
  }

  return {
    answeredAt: Number.NEGATIVE_INFINITY,
    for: (id) => viewFor(users.get(id) ?? stranger),
    frame: () => certain[0],

    observe(id, size, seen) {
      prove(size, seen.tokens);
      const user = userOf(id);
      noteDense(user, size, seen.tokens);
      user.passed += 1;
      if (isSteady(user) && user.passed < EVERY) return;
      user.passed = 0;
      user.heardAt = now();
      user.fresh = true;
      learn(user, size, seen.tokens);
      time(user, seen);
    },

    news() {
      const voices: Kept['voices'] = {};
      for (const [id, user] of users.entries()) {
        if (!user.fresh) continue;
        user.fresh = false;
        fresh = true;
        voices[id] = saidBy(user);
      }
      if (!fresh) return undefined;
      fresh = false;
      return { voices, frame: certain };
    },

    recall({ voices, frame }) {
      if (frame[0] > certain[0]) certain = frame;
      for (const [id, { at, said, densest = {} }] of Object.entries(voices)) {
        const user = userOf(id);
        if (user.heardAt >= at) continue;
        user.heardAt = at;
        user.view = undefined;
        user.densest = { ...densest };
        for (const figure of FIGURES) {
          const values = said[figure];
          if (values) user.voices[figure] = recalled(values);
        }
      }
      changes += STALE;
    },
  };
}

const isKind = (figure: Figure): figure is Kind => (KINDS as readonly string[]).includes(figure);

function isSteady({ voices }: User): boolean {
  return (voices.ascii ?? voices.other)?.own.length === OWN_VALUES;
}

function saidBy({ heardAt, voices, densest }: User): Said {
  const said: Said['said'] = {};
  for (const figure of FIGURES) {
    const voice = voices[figure];
    if (voice) said[figure] = voice.own.map((value) => Number(value.toPrecision(3)));
  }
  return { at: heardAt, said, densest };
}
