/** Ids in OpenAI's style; long enough never to meet again. */
import { randomUUID } from 'node:crypto';

const random = () => randomUUID().replaceAll('-', '');

export const completionId = (prefix: 'chatcmpl' | 'cmpl'): string => `${prefix}-${random()}`;

/** Ids of responses and their items. */
export const itemId = (prefix: 'resp' | 'msg' | 'rs' | 'fc' | 'ctc'): string => `${prefix}_${random()}`;

/**
 * Ids of an answer's tool calls: the upstream's own where it gave one that is new, else a fresh one. Old servers
 * give none, some give the same twice.
 */
export function callIds(): (given: unknown) => string {
  const used = new Set<string>();
  return (given) => {
    const id =
      typeof given === 'string' && given !== '' && !used.has(given) ? given : `call_${random().slice(0, 24)}`;
    used.add(id);
    return id;
  };
}
