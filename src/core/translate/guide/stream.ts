/**
 * Streams in the guide's shape, for those who ask for them with `stream: true`: NDJSON lines that end with one that
 * is `done` and has the usage.
 */
import { isDone } from '../chunk.js';
import { goJson } from '../json.js';
import { errorLine } from '../native/relay.js';
import type { NativeChunk, StreamEncoder } from '../types.js';
import { usageOf } from '../usage.js';
import type { JsonObject } from '../validate.js';

/**
 * @param spoken what a chunk says in the dialect's fields, or undefined where it says nothing
 * @param silence the fields of the last line
 */
export function guideStream(
  spoken: (chunk: NativeChunk) => JsonObject | undefined,
  silence: JsonObject,
): StreamEncoder {
  const line = (value: JsonObject) => `${goJson(value)}\n`;
  return {
    headers: { 'content-type': 'application/x-ndjson' },
    write(_call, chunk) {
      const said = spoken(chunk);
      const text = said === undefined ? '' : line({ ...said, done: false });
      return isDone(chunk) ? text + line({ ...silence, done: true, usage: usageOf([chunk]) }) : text;
    },
    end: () => '',
    fail: errorLine,
  };
}
