/** Usage as an operator and a host app see it: of now, and of a span of time. */
import type { Users } from '../auth/users.js';
import type { Config } from '../config.js';
import { GATEWAYS, type GatewayName } from '../contract.js';
import { GatewayError } from '../errors.js';
import type { LimitsAdmin } from '../limits/admin.js';
import { type Subject, subjectOf } from '../limits/subject.js';
import type { Store, UsageRow } from '../store/port.js';
import { type CurrentUsage, currentUsage } from './current.js';

export interface ReportOptions {
  /** Its UTC hour is the first: a Date, or `2026-11-23`, or `2026-11-23T04`. */
  from: Date | string;
  /** Its UTC hour is no longer in it. */
  to: Date | string;
  /** Of one user only: an account's id, or as `authenticate` gives it. */
  subject?: string;
  gateway?: GatewayName;
  by: 'hour' | 'day';
}

export interface UsageAdmin {
  /**
   * What `GET /admin/v1/usage` answers for a user.
   * @param who the id of an account, or an identity of the host app's own with its role
   * @throws GatewayError `not_found` for an id alone where there is no such account
   */
  current(who: Subject): Promise<CurrentUsage>;
  /**
   * A row for each hour or day, user, gateway and model, in this order; streamed, whatever their number.
   * @throws GatewayError `invalid_value` naming the option
   *
   * @example
   * for await (const row of gateway.usage.report({ from: '2026-11-01', to: '2026-12-01', by: 'day' })) {
   *   console.log(row.at, row.subject, row.model, row.promptTokens + row.completionTokens);
   * }
   */
  report(options: ReportOptions): AsyncIterable<UsageRow>;
}

export function createUsage({
  config,
  store,
  limits,
  users,
}: {
  config: Pick<Config, 'api_gateways'>;
  store: Pick<Store, 'counters' | 'usage'>;
  limits: LimitsAdmin;
  users: Pick<Users, 'find'>;
}): UsageAdmin {
  return {
    async current(who) {
      return currentUsage(
        { config, store, limits },
        await subjectOf({ users, overrides: limits.overrides }, who),
      );
    },

    report({ from, to, subject, gateway, by }) {
      if (by !== 'hour' && by !== 'day') throw bad('by', "must be 'hour' or 'day'");
      if (gateway !== undefined && !GATEWAYS.includes(gateway)) {
        throw bad('gateway', `must be one of ${GATEWAYS.join(', ')}`);
      }
      return store.usage({ from: hour('from', from), to: hour('to', to), subject, gateway, by });
    },
  };
}

const HOUR = /^\d{4}-\d{2}-\d{2}(T\d{2})?$/;

function hour(option: string, value: Date | string): string {
  const date =
    value instanceof Date ? value : new Date(HOUR.test(value) ? `${atHour(value)}:00Z` : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw bad(option, 'must be a Date, or a text such as 2026-11-23 or 2026-11-23T04');
  return date.toISOString().slice(0, 13);
}

const atHour = (text: string) => (text.includes('T') ? text : `${text}T00`);

function bad(option: string, problem: string): GatewayError {
  return new GatewayError('invalid_value', { message: `"${option}" ${problem}.`, param: option });
}
