/**
 * What every request asks of the store's thread, and its answers, as flat lists: V8 copies those to another thread in a
 * fraction of the time that objects with named fields take.
 */
import type { GatewayName } from '../../contract.js';
import type { Charge, Claim, Counter, Hold, Quotas, Reserved } from '../port.js';

export type Packed = (string | number | null)[];

type Reserve = Parameters<Quotas['reserve']>;
type Settle = Parameters<Quotas['settle']>;

export function packReserve(...[hold, { least, most, share }, { lease, sentAt }]: Reserve): Packed {
  return packHold([least, most, share, lease, sentAt], hold);
}

export function unpackReserve(packed: Packed): Reserve {
  const [least, most, share, lease, sentAt, ...rest] = packed as [number, number, number, number, number];
  return [unpackHold(rest), { least, most, share }, { lease, sentAt }];
}

export function packSettle(...[hold, charge]: Settle): Packed {
  const { requests, promptTokens, completionTokens, errors, aborted, latencyMs } = charge;
  return packHold([requests, promptTokens, completionTokens, errors, aborted, latencyMs], hold);
}

export function unpackSettle(packed: Packed): Settle {
  const [requests, promptTokens, completionTokens, errors, aborted, latencyMs, ...rest] = packed as number[];
  const charge = { requests, promptTokens, completionTokens, errors, aborted, latencyMs } as Charge;
  return [unpackHold(rest), charge];
}

export function packReserved(reserved: Reserved): Packed {
  const packed: Packed = reserved.ok ? [1, reserved.granted, reserved.left] : [0, reserved.at, null];
  for (const { used, held } of reserved.counters) packed.push(used, held);
  return packed;
}

export function unpackReserved(packed: Packed): Reserved {
  const [ok, figure, left] = packed as [number, number, number | null];
  const counters: Counter[] = [];
  for (let at = 3; at < packed.length; at += 2) {
    counters.push({ used: packed[at] as number, held: packed[at + 1] as number });
  }
  return ok === 1 ? { ok: true, granted: figure, left, counters } : { ok: false, at: figure, counters };
}

/** Puts a hold behind the figures, and its claims at the end. */
function packHold(packed: Packed, { id, subject, claims, usage }: Hold): Packed {
  packed.push(id, subject, usage?.gateway ?? null, usage?.model ?? null, usage?.hour ?? null);
  for (const { key, counts, max, expiresAt } of claims) packed.push(key, counts, max, expiresAt);
  return packed;
}

function unpackHold([id, subject, gateway, model, hour, ...rest]: Packed): Hold {
  const claims: Claim[] = [];
  for (let at = 0; at < rest.length; at += 4) {
    const [key, counts, max, expiresAt] = rest.slice(at, at + 4);
    claims.push({ key, counts, max, expiresAt } as Claim);
  }
  const usage = { gateway: gateway as GatewayName, model: model as string, hour: hour as string };
  return {
    id: id as string,
    subject: subject as string,
    claims,
    usage: gateway === null ? undefined : usage,
  };
}
