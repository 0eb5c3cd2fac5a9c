/**
 * Ollama's streams: one JSON object a line. The bytes arrive in any pieces.
 */
import { GatewayError } from '../errors.js';
import { nestsTooDeep } from './depth.js';
import { parseExact } from './json.js';
import type { NativeChunk } from './types.js';
import { isObject } from './validate.js';

const LINE_FEED = 0x0a;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Bytes that a line may have: tool arguments and `context` make long ones. Ollama's own client stops here, too. */
export const MAX_LINE = 8 * 1024 * 1024;

export interface LineSplitter {
  /** The lines that `chunk` completes, each with its line feed. Blank lines are dropped. */
  push(chunk: Buffer): Buffer[];
  /** The last line, where the stream ended without a line feed. */
  end(): Buffer | undefined;
}

function isBlank(line: Buffer): boolean {
  // Nearly every line begins with `{`.
  if (line[0] !== undefined && line[0] > 0x20) return false;
  return line.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/**
 * Cuts a stream of bytes into lines, wherever the network has cut it. A chunk that is exactly one line, as Ollama
 * sends them, is returned without copying.
 *
 * @throws GatewayError upstream_error from `push` for a line longer than `maxLine` bytes
 * @example
 * const lines = lineSplitter()
 * for await (const bytes of upstream) for (const line of lines.push(bytes)) use(parseChunk(line))
 * const last = lines.end()
 */
export function lineSplitter({ maxLine = MAX_LINE }: { maxLine?: number } = {}): LineSplitter {
  let pending: Buffer[] = [];
  let size = 0;
  let first = true;

  function take(piece: Buffer): void {
    size += piece.length;
    if (size > maxLine) {
      throw new GatewayError('upstream_error', { message: 'The model server sent a line that is too long.' });
    }
    pending.push(piece);
  }

  function line(): Buffer | undefined {
    const [only] = pending;
    let whole = pending.length === 1 && only ? only : Buffer.concat(pending);
    pending = [];
    size = 0;
    if (first && whole.subarray(0, BOM.length).equals(BOM)) whole = whole.subarray(BOM.length);
    first = false;
    return isBlank(whole) ? undefined : whole;
  }

  return {
    push(chunk) {
      const lines: Buffer[] = [];
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, from)) {
        take(from === 0 && at === chunk.length - 1 ? chunk : chunk.subarray(from, at + 1));
        from = at + 1;
        const complete = line();
        if (complete) lines.push(complete);
      }
      if (from < chunk.length) take(from === 0 ? chunk : chunk.subarray(from));
      return lines;
    },
    end: () => (size === 0 ? undefined : line()),
  };
}

/** A string without escapes, as it stands in JSON. */
const PLAIN = String.raw`"([^"\\\0-\x1f]*)"`;
/** The line that a chat has for nearly every token. Read by this it costs a fifth of what JSON.parse takes. */
const TOKEN = new RegExp(
  String.raw`^\{"model":${PLAIN},"created_at":${PLAIN},"message":\{"role":"assistant","content":${PLAIN}\},"done":false\}\n?$`,
);

function tokenIn(text: string): NativeChunk | undefined {
  const match = TOKEN.exec(text);
  if (!match) return undefined;
  const [, model, created_at, content] = match as unknown as [string, string, string, string];
  return { model, created_at, message: { role: 'assistant', content }, done: false };
}

/**
 * Reads one line of a native stream, or a whole native answer. Numbers in tool calls keep their digits
 * ({@link parseExact}); only lines that hold tool calls pay for that.
 *
 * @throws GatewayError upstream_error for anything but a JSON object, and for one that nests deeply
 */
export function parseChunk(line: Buffer): NativeChunk {
  const text = line.toString();
  const token = tokenIn(text);
  if (token) return token;
  let value: unknown;
  try {
    value = text.includes('"tool_calls"') ? parseExact(text) : JSON.parse(text);
  } catch (cause) {
    throw new GatewayError('upstream_error', {
      message: 'The model server sent a line that is not JSON.',
      cause,
    });
  }
  if (!isObject(value)) {
    throw new GatewayError('upstream_error', {
      message: 'The model server sent a line that is not an object.',
    });
  }
  if (nestsTooDeep(value, line.length)) {
    throw new GatewayError('upstream_error', {
      message: 'The model server sent a line that nests too deeply.',
    });
  }
  return value;
}
