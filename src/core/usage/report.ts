/** Reports over a span of the history: read as a stream, so that a year of everybody fits into memory. */
import { LRUCache } from 'lru-cache';
import type { Users } from '../auth/users.js';
import { GATEWAYS, type GatewayName } from '../contract.js';
import type { History, UsageQuery, UsageRow } from '../store/port.js';

/** First hour included, last excluded: `2026-11-23T04`. */
export type Span = Pick<UsageQuery, 'from' | 'to' | 'gateway'>;

export interface Totals {
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  errors: number;
  /** Requests whose client left before the end. */
  aborted: number;
}

export interface UserReport extends Totals {
  user_id: string;
  /** null where the account was deleted, or is the host app's. */
  username: string | null;
  /** Mean of the requests. */
  latency_ms: number;
}

export interface GatewayReport extends Totals {
  latency_ms: number;
}

export interface ExportRow extends Totals {
  /** Start of the UTC hour, `2026-11-23T04:00Z`. */
  hour: string;
  user_id: string;
  username: string | null;
  gateway: GatewayName;
  model: string;
  latency_ms: number;
}

export interface Reports {
  /** A row for each user that has used anything, ordered by name; as much memory as there are such users. */
  byUser(span: Span): Promise<UserReport[]>;
  byGateway(span: Span): Promise<Record<GatewayName, GatewayReport>>;
  /** A row for each hour, user, gateway and model, in this order. */
  rows(span: Span): AsyncIterable<ExportRow>;
}

interface Sum extends Totals {
  milliseconds: number;
}

const NAMES_KEPT = 10_000;

export function createReports({
  store,
  users,
}: {
  store: Pick<History, 'usage'>;
  users: Pick<Users, 'find' | 'list'>;
}): Reports {
  async function nameOf(names: LRUCache<string, { username: string | null }>, id: string) {
    const known = names.get(id);
    if (known) return known.username;
    const username = (await users.find(id))?.username ?? null;
    names.set(id, { username });
    return username;
  }

  return {
    async byUser(span) {
      const sums = new Map<string, Sum>();
      for await (const row of store.usage({ ...span, by: 'day' })) {
        sums.set(row.subject, add(sums.get(row.subject) ?? nothing(), row));
      }
      const names = new Map<string, string>();
      if (sums.size > 0) {
        for await (const { id, username } of users.list()) if (sums.has(id)) names.set(id, username);
      }
      const reports = [...sums].map(([user_id, sum]) => ({
        user_id,
        username: names.get(user_id) ?? null,
        ...finished(sum),
      }));
      return reports.sort((a, b) => compare(a.username ?? `~${a.user_id}`, b.username ?? `~${b.user_id}`));
    },

    async byGateway(span) {
      const sums = new Map(GATEWAYS.map((gateway) => [gateway, nothing()]));
      for await (const row of store.usage({ ...span, by: 'day' })) add(sums.get(row.gateway)!, row);
      return { ollama: finished(sums.get('ollama')!), openai: finished(sums.get('openai')!) };
    },

    async *rows(span) {
      const names = new LRUCache<string, { username: string | null }>({ max: NAMES_KEPT });
      for await (const row of store.usage({ ...span, by: 'hour' })) {
        yield {
          hour: `${row.at}:00Z`,
          user_id: row.subject,
          username: await nameOf(names, row.subject),
          gateway: row.gateway,
          model: row.model,
          ...finished(add(nothing(), row)),
        };
      }
    },
  };
}

function nothing(): Sum {
  return {
    requests: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    total_tokens: 0,
    errors: 0,
    aborted: 0,
    milliseconds: 0,
  };
}

function add(sum: Sum, row: UsageRow): Sum {
  sum.requests += row.requests;
  sum.prompt_tokens += row.promptTokens;
  sum.completion_tokens += row.completionTokens;
  sum.total_tokens += row.promptTokens + row.completionTokens;
  sum.errors += row.errors;
  sum.aborted += row.aborted;
  sum.milliseconds += row.latencyMs;
  return sum;
}

/** Requests that were given back have taken time, too: where there are no others, theirs is shown. */
function finished({ milliseconds, ...totals }: Sum): Totals & { latency_ms: number } {
  return { ...totals, latency_ms: Math.round(milliseconds / Math.max(1, totals.requests)) };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
