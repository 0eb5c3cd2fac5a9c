/** An active hold as the sweep needs it, as short as it can be: every byte is written twice, for each request. */
import type { Hold } from '../port.js';

/** Subject; of each claim its key, whether it counts tokens, and its expiry; gateway, model and hour of the usage. */
type Short = [string, [key: string, tokens: 0 | 1, expiresAt: number][], [string, string, string]?];

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
    usage: usage && { gateway: usage[0] as 'ollama' | 'openai', model: usage[1], hour: usage[2] },
  };
}
