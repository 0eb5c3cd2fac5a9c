/** Answers to native clients: Ollama's own bytes, with at most the model's name changed. */

import type { GatewayError } from '../../errors.js';
import { goJson, parseExact } from '../json.js';
import type { NativeAnswer, NativeChunk, ReplyContext, StreamEncoder } from '../types.js';
import { isObject } from '../validate.js';
import { inOllamasOrder } from './order.js';

const MODEL_FIRST = Buffer.from('{"model":"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const REMOTE = Buffer.from('"remote_');
const NEXT_LINE = Buffer.from('\u0085');

/** Where the string that begins at `from` ends: the index of its closing quote. */
function endOfString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at += 1;
  }
  return -1;
}

/** `remote_model` and `remote_host` say what is behind the client's name. */
function renamed(value: NativeChunk, model: string): NativeChunk {
  const { remote_model: _model, remote_host: _host, ...rest } = value;
  return Object.hasOwn(rest, 'model') ? { ...rest, model } : rest;
}

/**
 * The same JSON document or line under the client's model name. Ollama writes the model first, so that only those
 * bytes are replaced; anything else is parsed and written again in Go's manner.
 */
export function renameModel(bytes: Buffer, model: string): Buffer {
  const from = MODEL_FIRST.length;
  const end = bytes.subarray(0, from).equals(MODEL_FIRST) ? endOfString(bytes, from) : -1;
  if (end === -1 || bytes.includes(REMOTE)) return renameParsed(bytes, model);
  const spliced = Buffer.concat([MODEL_FIRST, Buffer.from(goJson(model).slice(1)), bytes.subarray(end + 1)]);
  return spliced.includes(NEXT_LINE)
    ? Buffer.from(spliced.toString().replaceAll('\u0085', '\\u0085'))
    : spliced;
}

function renameParsed(bytes: Buffer, model: string): Buffer {
  const text = bytes.toString();
  const value = parseExact(text);
  if (!isObject(value)) return bytes;
  return Buffer.from(goJson(renamed(value, model)) + (text.endsWith('\n') ? '\n' : ''));
}

/** The whole answer as bytes: the upstream's own where it gave one document. */
export function relayWhole([answer]: NativeAnswer[], context: ReplyContext): Buffer {
  const { value = {}, bytes } = answer ?? {};
  if (bytes) {
    // A stream of one line is a whole answer too, but for its line feed.
    const document = bytes.at(-1) === LINE_FEED ? bytes.subarray(0, -1) : bytes;
    return context.renamed ? renameModel(document, context.model) : document;
  }
  return Buffer.from(goJson(inOllamasOrder(context.renamed ? renamed(value, context.model) : value)));
}

/** An error as a line of a native stream. Its clients want a string there. */
export const errorLine = (error: GatewayError): string => `${goJson({ error: error.message })}\n`;

/** Relays a stream line by line. There are no heartbeats: ollama-python fails on blank lines. */
export function relayStream(context: ReplyContext): StreamEncoder {
  /** The upstream has broken off without a line feed. */
  let open = false;

  /** A line that the gateway makes begins a line of its own. */
  function ownLine(text: string): string {
    const before = open ? '\n' : '';
    open = false;
    return before + text;
  }

  return {
    headers: { 'content-type': 'application/x-ndjson' },
    write(_call, chunk, line) {
      if (line) {
        open = line.at(-1) !== LINE_FEED;
        return context.renamed ? renameModel(line, context.model) : line;
      }
      return ownLine(`${goJson(context.renamed ? renamed(chunk, context.model) : chunk)}\n`);
    },
    end: () => '',
    fail: (error) => ownLine(errorLine(error)),
  };
}
