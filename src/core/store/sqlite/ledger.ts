/**
 * Counters and history within one transaction: what its calls add to the same rows is written once, before the commit.
 * Under load many requests share a transaction, and most of them a user.
 */
import type { Claim, Counter, Hold } from '../port.js';
import { type Figures, heldOn, isNothing, usedOn } from '../quota.js';
import type { Sql } from './statements.js';

export interface Ledger {
  /** As they stand with what was added so far. */
  read(subject: string, keys: string[]): Counter[];
  /** Holds one request, and tokens. */
  hold(hold: Hold, tokens: number): void;
  /** Holds more tokens for a request that is held already. */
  holdMore(hold: Hold, tokens: number): void;
  /** Uses `sum` and writes it into the history; gives back one request and `held` tokens, where they are held. */
  charge(hold: Hold, sum: Figures, held: number | null): void;
  /** Writes what was gathered. */
  flush(): void;
}

interface Entry {
  subject: string;
  key: string;
  expiresAt: number;
  /** To be added to the row. */
  used: number;
  held: number;
  /** The row before; undefined where it was not read. */
  before: Counter | undefined;
}

type Usage = Required<Hold>['usage'] & Figures & { subject: string };

const ROW = '(?, ?, ?, ?, ?)';
// A correction may take back from a counter that was forgotten meanwhile: never below zero.
const add = (rows: number) => `INSERT INTO counters (subject, key, used, held, expires_at)
  VALUES ${Array(rows).fill(ROW).join(', ')} ON CONFLICT (subject, key)
  DO UPDATE SET used = max(0, used + excluded.used), held = held + excluded.held`;
/** The counters of one hold: a statement for all of them costs half of one for each. */
const TOGETHER = 4;
const ADD_ONE = add(1);
const ADD_TOGETHER = add(TOGETHER);
// Earlier versions could hold more tokens than there are safe integers: as an integer, such a number would be an error.
const READ =
  'SELECT key, CAST(used AS REAL) AS used, CAST(held AS REAL) AS held FROM counters WHERE subject = ?';
const READ_ONE = `${READ} AND key = ?`;
const READ_TOGETHER = `${READ} AND key IN (?, ?, ?, ?)`;
const ADD_USAGE = `INSERT INTO usage
  (subject, hour, gateway, model, requests, prompt_tokens, completion_tokens, errors, aborted, latency_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (subject, hour, gateway, model) DO UPDATE SET requests = requests + excluded.requests,
  prompt_tokens = prompt_tokens + excluded.prompt_tokens,
  completion_tokens = completion_tokens + excluded.completion_tokens, errors = errors + excluded.errors,
  aborted = aborted + excluded.aborted, latency_ms = latency_ms + excluded.latency_ms`;

type StoredCounter = Counter & { key: string };

/** Rows that do not exist are not in the answer. */
export function readRows(sql: Sql, subject: string, keys: string[]): StoredCounter[] {
  if (keys.length === TOGETHER) return sql(READ_TOGETHER).all(subject, ...keys) as unknown as StoredCounter[];
  return keys.flatMap((key) => sql(READ_ONE).all(subject, key) as unknown as StoredCounter[]);
}

export function createLedger(sql: Sql): Ledger {
  /** By subject, by key. */
  const counters = new Map<string, Map<string, Entry>>();
  const usages = new Map<string, Usage>();

  function entryOf(subject: string, key: string, expiresAt: number): Entry {
    let entries = counters.get(subject);
    if (!entries) {
      entries = new Map();
      counters.set(subject, entries);
    }
    let entry = entries.get(key);
    if (!entry) {
      entry = { subject, key, expiresAt, used: 0, held: 0, before: undefined };
      entries.set(key, entry);
    }
    return entry;
  }

  function addTo(subject: string, { key, expiresAt }: Claim, used: number, held: number): void {
    const entry = entryOf(subject, key, expiresAt);
    entry.expiresAt = expiresAt;
    entry.used += used;
    entry.held += held;
  }

  function addUsage(subject: string, usage: Required<Hold>['usage'], sum: Figures): void {
    const { gateway, model, hour } = usage;
    const name = `${subject}\n${hour}\n${gateway}\n${model}`;
    const row = usages.get(name);
    if (!row) {
      usages.set(name, { subject, gateway, model, hour, ...sum });
      return;
    }
    row.requests += sum.requests;
    row.promptTokens += sum.promptTokens;
    row.completionTokens += sum.completionTokens;
    row.errors += sum.errors;
    row.aborted += sum.aborted;
    row.latencyMs += sum.latencyMs;
  }

  function writeCounters(): void {
    const all = [...counters.values()].flatMap((entries) => [...entries.values()]);
    const due = all.filter(({ used, held }) => used !== 0 || held !== 0);
    let at = 0;
    for (; at + TOGETHER <= due.length; at += TOGETHER) {
      sql(ADD_TOGETHER).run(...due.slice(at, at + TOGETHER).flatMap(valuesOf));
    }
    for (const entry of due.slice(at)) sql(ADD_ONE).run(...valuesOf(entry));
  }

  return {
    read(subject, keys) {
      const entries = keys.map((key) => entryOf(subject, key, 0));
      const unread = entries.filter(({ before }) => before === undefined);
      if (unread.length > 0) {
        for (const entry of unread) entry.before = { used: 0, held: 0 };
        const rows = readRows(
          sql,
          subject,
          unread.map(({ key }) => key),
        );
        for (const row of rows) entryOf(subject, row.key, 0).before = row;
      }
      return entries.map(({ before, used, held }) => ({
        used: Math.max(0, before!.used + used),
        held: before!.held + held,
      }));
    },

    hold({ subject, claims }, tokens) {
      for (const claim of claims) addTo(subject, claim, 0, heldOn(claim, tokens));
    },

    holdMore({ subject, claims }, tokens) {
      for (const claim of claims) if (claim.counts === 'tokens') addTo(subject, claim, 0, tokens);
    },

    charge({ subject, claims, usage }, sum, held) {
      if (held === null && isNothing(sum)) return;
      for (const claim of claims) {
        addTo(subject, claim, usedOn(claim, sum), held === null ? 0 : -heldOn(claim, held));
      }
      if (usage && !isNothing(sum)) addUsage(subject, usage, sum);
    },

    flush() {
      if (counters.size > 0) writeCounters();
      counters.clear();
      for (const { subject, hour, gateway, model, ...sum } of usages.values()) {
        const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = sum;
        sql(ADD_USAGE).run(
          subject,
          hour,
          gateway,
          model,
          requests,
          promptTokens,
          completionTokens,
          errors,
          aborted,
          latencyMs,
        );
      }
      usages.clear();
    },
  };
}

function valuesOf({ subject, key, used, held, expiresAt }: Entry) {
  return [subject, key, used, held, expiresAt];
}
