/** An active hold as the sweep needs it, as short as it can be: every byte is written twice, for each request. */
import type { GatewayName } from '../contract.js';
import type { Hold } from './port.js';

type Short = [
  subject: string,
  claims: [key: string, tokens: 0 | 1, expiresAt: number][],
  usage?: [gateway: GatewayName, model: string, hour: string] | null,
];

export function textOf({ subject, claims, usage }: Hold): string {
  const short: Short = [
    subject,
    claims.map(({ key, counts, expiresAt }) => [key, counts === 'tokens' ? 1 : 0, expiresAt]),
  ];
  if (usage) short.push([usage.gateway, usage.model, usage.hour]);
  return JSON.stringify(short);
}

/** With all that a charge needs; limits are not among it. */
export function holdOf(id: string, text: string): Hold {
  const [subject, claims, usage] = JSON.parse(text) as Short;
  return {
    id,
    subject,
    claims: claims.map(([key, tokens, expiresAt]) => ({
      key,
      counts: tokens ? 'tokens' : 'requests',
      max: null,
      expiresAt,
    })),
    usage: usage ? { gateway: usage[0], model: usage[1], hour: usage[2] } : undefined,
  };
}
