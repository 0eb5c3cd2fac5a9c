/**
 * Where things are in Redis. In a cluster the part in braces, the hash tag, decides on which node a key lives; what
 * must change in one step has one tag: a table with its indexes; all that is counted in a bucket of subjects.
 */
import { TABLES, type Table } from '../port.js';

/** Never to be changed: what is counted would be looked for elsewhere. */
const BUCKETS = 64;

export interface Keys {
  /** Rows by id; ids by field; ids by expiry. */
  table(table: Table): string[];
  tables(): string[][];
  /** What the keys of a subject's counters start with. */
  counters(subject: string): string;
  /** What a subject has used on a day. */
  usage(subject: string, day: string): string;
  bucketOf(subject: string): Bucket;
  buckets(): Bucket[];
  /** One for each hash tag. */
  beats(): string[];
}

/** What is counted of some subjects. */
export interface Bucket {
  /** What its keys start with. */
  start: string;
  /** Ids of active holds by the end of their lease. */
  leases: string;
  /** Days of which there is usage. */
  days: string;
  hold(id: string): string;
  /** Those who have used something on a day. */
  subjects(day: string): string;
}

export function keysUnder(prefix: string): Keys {
  const inTable = (table: Table) => {
    return ['rows', 'index', 'expiry'].map((name) => `${prefix}{table:${table}}:${name}`);
  };
  const buckets = Array.from({ length: BUCKETS }, (_, number) => bucket(`${prefix}{quota:${number}}:`));
  const bucketOf = (subject: string) => buckets[numberOf(subject)]!;
  return {
    table: inTable,
    tables: () => TABLES.map(inTable),
    counters: (subject) => `${bucketOf(subject).start}count:${escaped(subject)}:`,
    usage: (subject, day) => `${bucketOf(subject).start}usage:${escaped(subject)}:${day}`,
    bucketOf,
    buckets: () => buckets,
    beats: () => [
      ...TABLES.map((table) => `${prefix}{table:${table}}:beat`),
      ...buckets.map(({ start }) => `${start}beat`),
    ],
  };
}

function bucket(start: string): Bucket {
  return {
    start,
    leases: `${start}leases`,
    days: `${start}days`,
    hold: (id) => `${start}hold:${id}`,
    subjects: (day) => `${start}subjects:${day}`,
  };
}

function numberOf(subject: string): number {
  let hash = 0;
  for (let at = 0; at < subject.length; at += 1) hash = (Math.imul(hash, 31) + subject.charCodeAt(at)) | 0;
  return (hash >>> 0) % BUCKETS;
}

/** So that no subject can name what is another's. */
function escaped(subject: string): string {
  return subject.replaceAll('%', '%25').replaceAll(':', '%3A');
}
