/**
 * What every request asks of the store's thread, and its answers, as short flat lists: V8 copies those to another thread
 * in a fraction of the time that objects with named fields take, and each value costs.
 */
import { LRUCache } from 'lru-cache';
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

/**
 * Claims go over as one text. The same for all requests of a limit and an hour, they are the same array on this side,
 * for which it is made once, and the same text on the other, where it is read once.
 */
const texts = new WeakMap<Claim[], string>();
const known = new LRUCache<string, Claim[]>({
  max: 1_000,
  memoMethod: (text) => JSON.parse(text) as Claim[],
});

function claimsText(claims: Claim[]): string {
  let text = texts.get(claims);
  if (text === undefined) {
    text = JSON.stringify(claims);
    texts.set(claims, text);
  }
  return text;
}

/** Puts a hold behind the figures. */
function packHold(packed: Packed, { id, subject, claims, usage }: Hold): Packed {
  packed.push(
    id,
    subject,
    claimsText(claims),
    usage?.gateway ?? null,
    usage?.model ?? null,
    usage?.hour ?? null,
  );
  return packed;
}

function unpackHold([id, subject, claims, gateway, model, hour]: Packed): Hold {
  const usage = { gateway: gateway as GatewayName, model: model as string, hour: hour as string };
  return {
    id: id as string,
    subject: subject as string,
    claims: known.memo(claims as string),
    usage: gateway === null ? undefined : usage,
  };
}
