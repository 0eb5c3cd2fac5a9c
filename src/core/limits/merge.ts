/** Changes of what is set for a user. */
import { GATEWAYS, type GatewayName } from '../contract.js';
import type { LimitOverrides } from './types.js';

/** The options given replace what was set; the others stay. */
export function mergeOverrides(limits: LimitOverrides, overrides: LimitOverrides): LimitOverrides {
  const merged = { ...limits };
  for (const gateway of GATEWAYS) {
    const given = Object.entries(overrides[gateway] ?? {}).filter(([, value]) => value !== undefined);
    if (given.length > 0) merged[gateway] = { ...merged[gateway], ...Object.fromEntries(given) };
  }
  return merged;
}

/** What stays set when a gateway's options are taken back; nothing where none is named. */
export function withoutOverrides(limits: LimitOverrides, gateway?: GatewayName): LimitOverrides {
  if (gateway === undefined) return {};
  const { [gateway]: _, ...rest } = limits;
  return rest;
}
