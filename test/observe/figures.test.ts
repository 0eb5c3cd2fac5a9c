import { Counter, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createCounter, createHistogram } from '../../src/core/observe/figures.js';

const BOUNDS = [-3, 0, 0.25, 10];
const about = (name: string, labelNames: string[]) => ({ name, help: `Some "${name}".`, labelNames });

/** The same counted in both: ours, and prom-client's own. */
function both() {
  const ours = new Registry();
  const theirs = new Registry();
  const registers = [theirs];
  const plain = about('plain_total', []);
  const labelled = about('labelled_total', ['gateway', 'status']);
  const seconds = about('seconds', []);
  const byRoute = about('by_route', ['gateway', 'route']);
  const our = {
    plain: createCounter(ours, plain),
    labelled: createCounter(ours, labelled),
    seconds: createHistogram(ours, seconds, BOUNDS),
    byRoute: createHistogram(ours, byRoute, BOUNDS),
  };
  const their = {
    plain: new Counter({ ...plain, registers }),
    labelled: new Counter({ ...labelled, registers }),
    seconds: new Histogram({ ...seconds, buckets: BOUNDS, registers }),
    byRoute: new Histogram({ ...byRoute, buckets: BOUNDS, registers }),
  };
  return { ours, theirs, our, their };
}

it('shows what prom-client shows before anything is counted', async () => {
  const { ours, theirs } = both();
  expect(await ours.metrics()).toBe(await theirs.metrics());
});

it('shows what prom-client shows of the same figures, as text and for other processes', async () => {
  const { ours, theirs, our, their } = both();
  our.plain.add(2);
  their.plain.inc(2);
  for (const [gateway, status, amount] of [
    ['openai', 200, 1],
    ['ollama', 200, 0],
    ['a "quoted"\nname', 429, 3],
    ['openai', 200, 4],
  ] as const) {
    our.labelled.add(amount, gateway, status);
    their.labelled.inc({ gateway, status }, amount);
  }
  for (const value of [-10, -3, 0, 0.1, 0.25, 9.5, 11, 1e6]) {
    our.seconds.observe(value);
    their.seconds.observe(value);
    for (const route of ['a', 'b']) {
      our.byRoute.observe(value, '', route);
      their.byRoute.observe({ gateway: '', route }, value);
    }
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());
  // Histograms of prom-client have a place for exemplars, which is empty.
  const sent = async (registry: Registry) =>
    JSON.stringify(await registry.getMetricsAsJSON(), (name, value) =>
      name === 'exemplar' ? undefined : value,
    );
  expect(JSON.parse(await sent(ours))).toEqual(JSON.parse(await sent(theirs)));
});
