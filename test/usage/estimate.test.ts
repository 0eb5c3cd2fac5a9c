import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEstimator, type Estimator } from '../../src/core/usage/estimate.js';
import { type PromptSize, promptSize } from '../../src/core/usage/prompt-size.js';
import { sayings, TOKENIZERS, type Tokenizing } from './texts.js';

const chat = (...texts: string[]) =>
  promptSize({ model: 'm', messages: texts.map((content) => ({ role: 'user', content })) });
const ENGLISH = sayings(1);

/** Lets a user have prompts counted, each as the tokenizer counts it. */
function teach(estimator: Estimator, user: string, tokens: Tokenizing, texts: string[]): void {
  for (const text of texts) estimator.observe('m', user, chat(text), { tokens: tokens(text) });
}

const several = (count: number, length: (at: number) => number) =>
  Array.from({ length: count }, (_, at) => ENGLISH.text(length(at)));

const sizes = [4_000, 40].map((length) => chat(ENGLISH.text(length)));
const figures = (estimator: Estimator, user: string) =>
  sizes.map((size) => estimator.estimate('m', user, size));

/** None of the figures is more than 5 in 100 off. */
function expectUnmoved(is: ReturnType<typeof figures>, was: ReturnType<typeof figures>, share = 0.05): void {
  is.forEach(({ expected, held }, at) => {
    expect(Math.abs(expected / was[at]!.expected - 1)).toBeLessThan(share);
    expect(Math.abs(held / was[at]!.held - 1)).toBeLessThan(share);
  });
}

test('a short prompt is held at its bytes and the frame, below 200 tokens; and expected to be less', () => {
  const { estimate } = createEstimator();
  const { held, expected } = estimate('m', 'ann', chat('Hello!'));
  expect(held).toBe(6 + 20);
  expect(expected).toBeGreaterThan(8);
  expect(expected).toBeLessThan(16);
  expect(estimate('m', 'ann', chat('x'.repeat(128))).held).toBeLessThan(200);
});

test('no text is held at more than its bytes', () => {
  const { estimate } = createEstimator();
  for (const text of ['{"a":1}'.repeat(1_000), '漢字'.repeat(1_000), '1'.repeat(9_000)]) {
    expect(estimate('m', 'ann', chat(text)).held).toBeLessThanOrEqual(Buffer.byteLength(text) + 20);
  }
});

test('nothing is held beyond the context, where that is known', () => {
  const { estimate } = createEstimator();
  const size = chat(ENGLISH.text(40_000));
  expect(estimate('m', 'ann', size).held).toBeGreaterThan(8_000);
  expect(estimate('m', 'ann', size, 2_048)).toEqual({ expected: 2_048, held: 2_048 });
});

test.each(Object.keys(TOKENIZERS))(
  '%s: within 15 in 100 of the count, for each user from the 20th prompt on, and held',
  (name) => {
    const tokens = TOKENIZERS[name]!;
    const estimator = createEstimator();
    const users = Array.from({ length: 12 }, (_, at) => ({ id: `user-${at}`, seen: 0, sum: 0, counted: 0 }));
    const random = sayings(2);
    let overruns = 0;
    for (let round = 0; round < 120; round += 1) {
      for (const user of users) {
        const text = random.text(random.length(8, 4_000));
        const size = chat(text);
        const { expected, held } = estimator.estimate('m', user.id, size);
        const counted = tokens(text);
        // Of the first prompts of a model that nobody has seen nothing is known.
        if (counted > held && round > 0) overruns += 1;
        if (user.seen >= 20 && random.chance(0.4)) {
          user.sum += expected;
          user.counted += counted;
        } else estimator.observe('m', user.id, size, { tokens: counted });
        user.seen += 1;
      }
    }
    for (const { sum, counted } of users) {
      expect(sum / counted).toBeGreaterThan(0.85);
      expect(sum / counted).toBeLessThan(1.15);
    }
    expect(overruns).toBeLessThanOrEqual(1);
  },
);

/** Prompts by which somebody might move what others are held for or charged. */
const HOSTILE: Record<string, (at: number) => { size: PromptSize; tokens: number }> = {
  'dense texts': (at) => ({ size: chat(`${at}`.repeat(132)), tokens: 132 * `${at}`.length + 9 }),
  'long dense texts': () => ({ size: chat('~'.repeat(50_000)), tokens: 50_009 }),
  blanks: () => ({ size: chat(' '.repeat(12_000)), tokens: 150 }),
  'long words': () => ({ size: chat('internationalization '.repeat(500)), tokens: 510 }),
  'nothing at all': () => ({ size: chat(''), tokens: 9 }),
  'many messages': () => ({ size: chat(...Array<string>(1_000).fill('')), tokens: 9_000 }),
};

test.each(Object.keys(HOSTILE))('%s of one user move no figure of another by more than 5 in 100', (name) => {
  const estimator = createEstimator();
  const random = sayings(3);
  const honest = Array.from({ length: 40 }, () => random.text(random.length(8, 4_000)));
  teach(estimator, 'ann', TOKENIZERS.tiny!, honest);
  const before = figures(estimator, 'ann');
  for (let at = 0; at < 200; at += 1) {
    const { size, tokens } = HOSTILE[name]!(at);
    estimator.observe('m', 'bob', size, { tokens });
    teach(estimator, 'ann', TOKENIZERS.tiny!, [honest[at % honest.length]!]);
  }
  expectUnmoved(figures(estimator, 'ann'), before);
});

test('whatever is counted for one user, another is expected and held for the same', () => {
  const random = sayings(4);
  const honest = Array.from({ length: 60 }, () => random.text(random.length(8, 4_000)));
  const alone = createEstimator();
  teach(alone, 'ann', TOKENIZERS.tiny!, honest);
  const before = figures(alone, 'ann');
  const hostile = fc.record({
    text: fc.string({ maxLength: 400, unit: 'grapheme' }),
    repeat: fc.integer({ min: 1, max: 40 }),
    // No tokenizer makes more tokens than there are bytes.
    density: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 40 }), (prompts) => {
      const estimator = createEstimator();
      teach(estimator, 'ann', TOKENIZERS.tiny!, honest);
      for (const { text, repeat, density } of prompts) {
        const size = chat(text.repeat(repeat));
        estimator.observe('m', 'bob', size, { tokens: Math.round(9 + density * size.bytes) });
      }
      expectUnmoved(figures(estimator, 'ann'), before);
    }),
    { numRuns: 60 },
  );
});

test('nobody lowers what is held for a prompt by the texts sent before it', () => {
  const dense = chat('q7#K x9$Z '.repeat(1_200));
  for (const cheap of [' '.repeat(20_000), 'internationalization '.repeat(500), '\n'.repeat(9_000), 'a']) {
    const estimator = createEstimator();
    for (let at = 0; at < 60; at += 1) estimator.observe('m', 'bob', chat(cheap), { tokens: 12 });
    // A limit of 1,000 tokens does not let a prompt of 12,000 characters pass.
    expect(estimator.estimate('m', 'bob', dense).held).toBeGreaterThan(5_000);
  }
});

test('who has sent a denser text than others is held for it from then on, and nobody else is', () => {
  const estimator = createEstimator();
  for (const user of ['ann', 'bob', 'cid', 'dan']) {
    teach(
      estimator,
      user,
      TOKENIZERS.words!,
      several(20, (at) => 400 + 40 * at),
    );
  }
  const text = 'xq zv kj wq '.repeat(400);
  const before = estimator.estimate('m', 'bob', chat(text)).held;
  const tokens = Buffer.byteLength(text) + 9;
  expect(before).toBeLessThan(tokens);
  estimator.observe('m', 'bob', chat(text), { tokens });
  expect(estimator.estimate('m', 'bob', chat(text)).held).toBeGreaterThanOrEqual(tokens);
  teach(
    estimator,
    'bob',
    TOKENIZERS.words!,
    several(100, () => 800),
  );
  expect(estimator.estimate('m', 'bob', chat(text)).held).toBeGreaterThanOrEqual(tokens);
  expect(Math.abs(estimator.estimate('m', 'ann', chat(text)).held / before - 1)).toBeLessThan(0.05);
});

test('a system prompt of the model is held for everybody once it was seen', () => {
  const estimator = createEstimator();
  expect(estimator.estimate('m', 'ann', chat('hi')).held).toBeLessThan(50);
  estimator.observe('m', 'bob', chat('hi'), { tokens: 1_200 });
  expect(estimator.estimate('m', 'ann', chat('hi')).held).toBeGreaterThanOrEqual(1_200);
  expect(estimator.estimate('m', 'bob', chat('hi')).held).toBeGreaterThanOrEqual(1_200);
  for (let at = 0; at < 5; at += 1) estimator.observe('m', 'bob', chat('hi'), { tokens: 1_200 });
  expect(estimator.estimate('m', 'bob', chat('hi')).expected).toBe(1_200);
});

test('a prompt that was cut to the context tells nothing', () => {
  const estimator = createEstimator();
  teach(
    estimator,
    'ann',
    TOKENIZERS.tiny!,
    several(20, () => 1_000),
  );
  const before = figures(estimator, 'ann');
  for (let at = 0; at < 20; at += 1) {
    estimator.observe('m', 'ann', chat(ENGLISH.text(40_000)), { tokens: 2_048 });
  }
  expect(figures(estimator, 'ann')).toEqual(before);
});

test('tools and images are learned by themselves', () => {
  const estimator = createEstimator();
  const tools = Array.from({ length: 8 }, (_, at) => ({
    type: 'function',
    function: { name: `tool_${at}`, description: 'Does something useful.', parameters: { type: 'object' } },
  }));
  const withTools = promptSize({ model: 'm', messages: [{ role: 'user', content: 'hi' }], tools });
  const withImage = promptSize({
    model: 'm',
    messages: [{ role: 'user', content: 'hi', images: ['AAAA'] }],
  });
  for (let at = 0; at < 20; at += 1) {
    estimator.observe('m', 'ann', withTools, { tokens: 60 });
    estimator.observe('m', 'ann', withImage, { tokens: 266 });
    estimator.observe('m', 'ann', chat('hi'), { tokens: 10 });
  }
  expect(estimator.estimate('m', 'ann', withTools).expected).toBeGreaterThan(50);
  expect(estimator.estimate('m', 'ann', withTools).expected).toBeLessThan(70);
  expect(Math.abs(estimator.estimate('m', 'ann', withImage).expected - 266)).toBeLessThan(20);
  expect(estimator.estimate('m', 'ann', chat('hi')).expected).toBe(10);
});

test('names that clients make up displace no model that has answered', () => {
  const estimator = createEstimator();
  teach(
    estimator,
    'ann',
    TOKENIZERS.tiny!,
    several(20, () => 900),
  );
  const before = figures(estimator, 'ann');
  for (let at = 0; at < 600; at += 1) estimator.estimate(`made-up-${at}`, 'ann', sizes[0]!);
  expect(figures(estimator, 'ann')).toEqual(before);
});

test('what was learned comes through a restart', () => {
  const before = createEstimator();
  for (const user of ['ann', 'bob', 'cid', 'dan']) {
    teach(
      before,
      user,
      TOKENIZERS.tiny!,
      several(20, (at) => 8 + 90 * at),
    );
  }
  const after = createEstimator();
  for (const [model, kept] of before.news()) after.recall(model, JSON.parse(JSON.stringify(kept)));
  expect(before.news()).toEqual([]);
  for (const user of ['ann', 'eve']) expectUnmoved(figures(after, user), figures(before, user), 0.02);
});

test('voices and models are bounded', () => {
  const estimator = createEstimator();
  for (let at = 0; at < 300; at += 1) estimator.observe(`model-${at}`, 'ann', chat('hi'), { tokens: 10 });
  for (let at = 0; at < 300; at += 1) estimator.observe('m', `user-${at}`, chat('hi'), { tokens: 10 });
  const news = Object.fromEntries(estimator.news());
  expect(Object.keys(news)).toHaveLength(128);
  expect(Object.keys(news.m!.voices)).toHaveLength(64);
});

test('before the first byte no more is charged than can have been evaluated', () => {
  let time = 1_000_000;
  const estimator = createEstimator(() => time);
  // Nobody knows how fast it is, or whether it is in memory.
  expect(estimator.evaluated('m', 'ann', 9_000, 1_000)).toBe(0);
  for (let at = 0; at < 5; at += 1) {
    const seen = { tokens: 400, evaluating: 2_000, loading: 5 };
    estimator.observe('m', 'ann', chat(ENGLISH.text(900)), seen);
  }
  estimator.answered('m');
  time += 10_000;
  expect(estimator.evaluated('m', 'ann', 9_000, 1_000)).toBe(200);
  expect(estimator.evaluated('m', 'ann', 150, 1_000)).toBe(150);
  expect(estimator.evaluated('m', 'ann', 150, 0)).toBe(0);
  // Out of memory since: it is loaded first.
  time += 3_600_000;
  expect(estimator.evaluated('m', 'ann', 9_000, 1_000)).toBe(0);
  expect(estimator.evaluated('m', 'ann', 9_000, 60_000)).toBe(9_000);
});
