/**
 * Counters and histograms that cost an addition to count. Every request moves a dozen of them; prom-client's own take an
 * object of labels each time, and hash it. Here it reads what was counted, and shows it beside its own.
 */
import type { Metric, MetricType, MetricValueWithName, Registry } from 'prom-client';

export interface Description {
  name: string;
  help: string;
  labelNames?: string[];
}

/** Labels are given in the order of their names; their combinations have to be few. */
type Label = string | number;

export interface Counter {
  add(amount: number, ...labels: Label[]): void;
}

export interface Histogram {
  observe(value: number, ...labels: Label[]): void;
}

type Values = MetricValueWithName<string>[];

export function createCounter(registry: Registry, description: Description): Counter {
  const sums = createSeries(description, () => ({ value: 0 }));
  register(registry, 'counter', description, () =>
    sums.all().map(({ labels, figures: { value } }) => ({ labels, value })),
  );
  return {
    add(amount, ...labels) {
      sums.of(labels).value += amount;
    },
  };
}

/** @param bounds upper ones, ascending; what is above the last counts in `+Inf` alone */
export function createHistogram(registry: Registry, description: Description, bounds: number[]): Histogram {
  const { name } = description;
  const distributions = createSeries(description, () => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  register(registry, 'histogram', description, () =>
    distributions.all().flatMap(({ labels, figures: { counts, count, sum } }): Values => {
      let upTo = 0;
      const bucket = (le: Label, value: number) => ({
        labels: { le, ...labels },
        value,
        metricName: `${name}_bucket`,
      });
      return [
        ...bounds.map((bound, at) => {
          upTo += counts[at]!;
          return bucket(bound, upTo);
        }),
        bucket('+Inf', count),
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    }),
  );
  return {
    observe(value, ...labels) {
      const figures = distributions.of(labels);
      figures.count += 1;
      figures.sum += value;
      const at = bounds.findIndex((bound) => value <= bound);
      if (at !== -1) figures.counts[at]! += 1;
    },
  };
}

interface Series<T> {
  labels: Record<string, Label>;
  figures: T;
}

/** Named label by label: no text has to be made and hashed to find them. */
interface Branch<T> {
  branches: Map<Label, Branch<T>>;
  figures?: T;
}

function createSeries<T>({ labelNames = [] }: Description, make: () => T) {
  const all: Series<T>[] = [];
  const root = branch<T>();

  function of(labels: Label[]): T {
    let at = root;
    for (const label of labels) {
      let next = at.branches.get(label);
      if (!next) {
        next = branch();
        at.branches.set(label, next);
      }
      at = next;
    }
    at.figures ??= begin(labels);
    return at.figures;
  }

  function begin(labels: Label[]): T {
    const figures = make();
    all.push({ labels: Object.fromEntries(labelNames.map((name, at) => [name, labels[at]!])), figures });
    return figures;
  }

  // What has no labels is there from the start.
  if (labelNames.length === 0) of([]);
  return { of, all: () => all };
}

const branch = <T>(): Branch<T> => ({ branches: new Map() });

function register(registry: Registry, type: `${MetricType}`, description: Description, values: () => Values) {
  const { name, help } = description;
  const about = { name, help, type, aggregator: 'sum' };
  const metric = { ...about, get: async () => ({ ...about, values: values() }) };
  // All that a registry asks of a metric; its type wants prom-client's own classes.
  registry.registerMetric(metric as unknown as Metric);
}
