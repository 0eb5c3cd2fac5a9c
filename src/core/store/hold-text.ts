/** An active hold as the sweep needs it, as short as it can be: every byte is written twice, for each request. */
import type { GatewayName } from '../contract.js';
import type { Claim, Hold } from './port.js';

type Short = [
  subject: string,
  /** `counts` is 1 for tokens, 0 for one request, and -n for n requests. */
  claims: [key: string, counts: number, expiresAt: number][],
  usage?: [gateway: GatewayName, model: string, hour: string] | null,
];

export function textOf({ subject, claims, usage }: Hold): string {
  const short: Short = [subject, claims.map((claim) => [claim.key, countsAs(claim), claim.expiresAt])];
  if (usage) short.push([usage.gateway, usage.model, usage.hour]);
  return JSON.stringify(short);
}

/** What a claim counts as one number: 1 for tokens, 0 for one request, and -n for n requests. */
export function countsAs({ counts, requests = 1 }: Claim): number {
  if (counts === 'tokens') return 1;
  return requests === 1 ? 0 : -requests;
}

/** With all that a charge needs; limits are not among it. */
export function holdOf(id: string, text: string): Hold {
  const [subject, claims, usage] = JSON.parse(text) as Short;
  return {
    id,
    subject,
    claims: claims.map(([key, counts, expiresAt]) => ({
      key,
      counts: counts === 1 ? 'tokens' : 'requests',
      ...(counts < 0 ? { requests: -counts } : {}),
      max: null,
      expiresAt,
    })),
    usage: usage ? { gateway: usage[0], model: usage[1], hour: usage[2] } : undefined,
  };
}
