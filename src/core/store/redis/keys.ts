/**
 * Where things are in Redis. In a cluster the part in braces, the hash tag, decides on which node a key lives; what
 * must change in one step has one tag: a table with its indexes; all that is counted in a bucket of subjects.
 */
import { type Hold, TABLES, type Table } from '../port.js';

/** Never to be changed: what is counted would be looked for elsewhere. */
const BUCKETS = 64;

export interface Keys {
  /** Rows by id; ids by field; ids by expiry. */
  table(table: Table): string[];
  tables(): string[][];
  hold(hold: Pick<Hold, 'id' | 'subject'>): string;
  counters(subject: string, keys: string[]): string[];
  /** Of the bucket of a subject: ids of active holds by the end of their lease. */
  leases(subject: string): string;
  /** What a subject has used on a day; and in its bucket, the subjects of that day, and the days. */
  usage(subject: string, day: string): [usage: string, subjects: string, days: string];
  buckets(): Bucket[];
  /** One for each hash tag. */
  beats(): string[];
}

export interface Bucket {
  leases: string;
  days: string;
  hold(id: string): string;
  subjects(day: string): string;
}

export function keysUnder(prefix: string): Keys {
  const inTable = (table: Table) => {
    return ['rows', 'index', 'expiry'].map((name) => `${prefix}{table:${table}}:${name}`);
  };
  const start = (bucket: number) => `${prefix}{quota:${bucket}}:`;
  const of = (subject: string) => start(bucketOf(subject));
  const bucket = (number: number): Bucket => ({
    leases: `${start(number)}leases`,
    days: `${start(number)}days`,
    hold: (id) => `${start(number)}hold:${id}`,
    subjects: (day) => `${start(number)}subjects:${day}`,
  });
  const numbers = Array.from({ length: BUCKETS }, (_, number) => number);
  return {
    table: inTable,
    tables: () => TABLES.map(inTable),
    hold: ({ id, subject }) => bucket(bucketOf(subject)).hold(id),
    counters: (subject, keys) => keys.map((key) => `${of(subject)}count:${escaped(subject)}:${key}`),
    leases: (subject) => bucket(bucketOf(subject)).leases,
    usage(subject, day) {
      const { subjects, days } = bucket(bucketOf(subject));
      return [`${of(subject)}usage:${escaped(subject)}:${day}`, subjects(day), days];
    },
    buckets: () => numbers.map(bucket),
    beats: () => [
      ...TABLES.map((table) => `${prefix}{table:${table}}:beat`),
      ...numbers.map((at) => `${start(at)}beat`),
    ],
  };
}

/** Index in {@link Keys.buckets}. */
export function bucketOf(subject: string): number {
  let hash = 0;
  for (let at = 0; at < subject.length; at += 1) hash = (Math.imul(hash, 31) + subject.charCodeAt(at)) | 0;
  return (hash >>> 0) % BUCKETS;
}

/** So that no subject can name what is another's. */
function escaped(subject: string): string {
  return subject.replaceAll('%', '%25').replaceAll(':', '%3A');
}
