/**
 * Rows of counters and history, within a transaction of the quotas.
 */
import type { Claim, Counter, Hold } from '../port.js';
import { type Figures, heldOn, isNothing, usedOn } from '../quota.js';
import type { Sql } from './connection.js';

const READ = 'SELECT used, held FROM counters WHERE subject = ? AND key = ?';
// A correction may take back from a counter that was forgotten meanwhile: never below zero.
const ADD = 'UPDATE counters SET used = max(0, used + ?), held = held + ? WHERE subject = ? AND key = ?';
const FIRST = 'INSERT INTO counters (subject, key, used, held, expires_at) VALUES (?, ?, ?, ?, ?)';
const ADD_USAGE = `INSERT INTO usage
  (subject, hour, gateway, model, requests, prompt_tokens, completion_tokens, errors, aborted, latency_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (subject, hour, gateway, model) DO UPDATE SET requests = requests + excluded.requests,
  prompt_tokens = prompt_tokens + excluded.prompt_tokens,
  completion_tokens = completion_tokens + excluded.completion_tokens, errors = errors + excluded.errors,
  aborted = aborted + excluded.aborted, latency_ms = latency_ms + excluded.latency_ms`;

export function readCounter(sql: Sql, subject: string, key: string): Counter {
  const row = sql(READ).get(subject, key) as Counter | undefined;
  return row ? { used: row.used, held: row.held } : { used: 0, held: 0 };
}

/** In the order of the claims. */
export function readCounters(sql: Sql, { subject, claims }: Hold): Counter[] {
  return claims.map(({ key }) => readCounter(sql, subject, key));
}

/** Holds one request, and tokens. */
export function holdAll(sql: Sql, { subject, claims }: Hold, tokens: number): void {
  for (const claim of claims) {
    add(sql, subject, claim, 0, heldOn(claim, tokens));
  }
}

/** Holds more tokens for a request that is held already. */
export function holdTokens(sql: Sql, { subject, claims }: Hold, tokens: number): void {
  for (const claim of claims) {
    if (claim.counts === 'tokens') add(sql, subject, claim, 0, tokens);
  }
}

/** Uses `sum` and writes it into the history; gives back one request and `held` tokens, where they are held. */
export function charge(sql: Sql, { subject, claims, usage }: Hold, sum: Figures, held: number | null): void {
  if (held === null && isNothing(sum)) return;
  for (const claim of claims) {
    const back = held === null ? 0 : -heldOn(claim, held);
    add(sql, subject, claim, usedOn(claim, sum), back);
  }
  if (!usage || isNothing(sum)) return;
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = sum;
  sql(ADD_USAGE).run(
    subject,
    usage.hour,
    usage.gateway,
    usage.model,
    requests,
    promptTokens,
    completionTokens,
    errors,
    aborted,
    latencyMs,
  );
}

function add(sql: Sql, subject: string, { key, expiresAt }: Claim, used: number, held: number): void {
  if (sql(ADD).run(used, held, subject, key).changes > 0) return;
  sql(FIRST).run(subject, key, Math.max(0, used), held, expiresAt);
}
