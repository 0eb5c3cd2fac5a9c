/**
 * What Ollama can do and OpenAI has no word for, under Ollama's own names: `options`, `think`, `keep_alive` and
 * `truncate`. A client sends them as extra fields (`extra_body` in Python); what it also says in OpenAI's words wins.
 */
import { readKeepAlive, readThink } from '../native/common.js';
import { readOptions } from '../native/options.js';
import { type Fields, readBoolean, readObject } from '../validate.js';

export interface Extensions {
  /** Known options alone, empty where there are none. */
  options: Record<string, unknown>;
  think: boolean | string | undefined;
  keep_alive: number | string | undefined;
  /** False: a prompt that is too long is refused (400) instead of cut. */
  truncate: boolean | undefined;
}

/** @throws GatewayError 400 that names the field */
export function readExtensions(body: Fields): Extensions {
  return {
    options: readOptions(readObject(body, 'options')),
    think: readThink(body),
    keep_alive: readKeepAlive(body),
    truncate: readBoolean(body, 'truncate'),
  };
}
