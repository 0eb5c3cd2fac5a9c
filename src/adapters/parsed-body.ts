/** The caller's JSON, where a host's parser has read the body before the gateway. */
import type { IncomingMessage } from 'node:http';
import { MISREAD } from '../core/contract.js';

type Nested = { [key: string]: string | Nested };

/**
 * Undefined if no parser has read the body: some leave `{}` in that case, and the stream is still complete.
 *
 * curl says that JSON is a form unless told otherwise. A form's parser takes it apart, and makes a blank of each `+`: the
 * text is put together again where it certainly is what was written, and is `MISREAD` elsewhere.
 * @param bytes the body as it came, where the host keeps it
 */
export function parsedBody(req: IncomingMessage, body: unknown, bytes?: unknown): unknown {
  if (!req.readableDidRead) return undefined;
  const { 'content-type': type = '', 'content-length': length } = req.headers;
  if (!/^application\/x-www-form-urlencoded/i.test(type)) return body;
  if (typeof bytes === 'string' || Buffer.isBuffer(bytes)) return bytes;
  if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return body;
  return formText(body as Nested, Number(length)) ?? MISREAD;
}

function formText(form: Nested, length: number): string | undefined {
  const text = joined(form);
  if (text === undefined || !/^\s*[{[]/.test(text) || text.includes(' ')) return undefined;
  const missing = length - Buffer.byteLength(text);
  if (missing === 0) return text;
  // Behind its last bracket qs drops what there is. A text that is JSON can be ended in so many characters in one way.
  const end = closing(text);
  return end.length === missing ? text + end : undefined;
}

/** Pairs as they were; qs has read `a[b]` as an object within `a`. */
function joined(form: Nested): string | undefined {
  const entries = Object.entries(form);
  const [first] = entries;
  if (first && typeof first[1] === 'object') {
    const inner = entries.length === 1 && !Array.isArray(first[1]) ? joined(first[1]) : undefined;
    return inner === undefined ? undefined : `${first[0]}[${inner}]`;
  }
  if (!entries.every(([, value]) => typeof value === 'string')) return undefined;
  return entries.map(([key, value]) => (value === '' ? key : `${key}=${value as string}`)).join('&');
}

/** The quote and the brackets that the text leaves open. */
function closing(text: string): string {
  let open = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '{') open = `}${open}`;
    else if (character === '[') open = `]${open}`;
    else if (character === '}' || character === ']') open = open.slice(1);
  }
  return quoted ? `"${open}` : open;
}
