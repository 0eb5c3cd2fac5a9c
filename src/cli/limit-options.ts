import { LIMIT_OPTIONS, type LimitOption, type LimitOverrides } from '../core/limits/types.js';
import type { Invocation, ValueOption } from './command.js';
import { UsageError } from './errors.js';
import { gatewaysNamed } from './gateway-name.js';

const FLAGS: Record<LimitOption, ValueOption> = {
  token_limit_daily: 'token-limit-daily',
  token_limit_hourly: 'token-limit-hourly',
  request_limit_daily: 'request-limit-daily',
  request_limit_hourly: 'request-limit-hourly',
};

/** The limits given, on the gateway that `--gateway` names or on all. @throws UsageError */
export function readLimits({ values }: Invocation): LimitOverrides {
  const gateways = gatewaysNamed(values.gateway);
  const limits = Object.fromEntries(
    LIMIT_OPTIONS.flatMap((option) => {
      const value = values[FLAGS[option]];
      return value === undefined ? [] : [[option, readLimit(FLAGS[option], value)]];
    }),
  );
  return Object.keys(limits).length === 0 ? {} : Object.fromEntries(gateways.map((name) => [name, limits]));
}

function readLimit(option: string, value: string): number | null {
  if (value === 'unlimited') return null;
  const limit = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(limit)) return limit;
  throw new UsageError(`Option "--${option}" is "${value}"; expected a whole number from 0, or "unlimited".`);
}
