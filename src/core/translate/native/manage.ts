/** `pull`, `push`, `create`, `copy` and `delete`: requests of those who manage models. */
import { isObject, type JsonObject, wrongType } from '../validate.js';

export interface ManagedName {
  /** The field that it was read from. */
  param: string;
  name: string;
  /** Another model's prompts go there under the name of the one that is made. */
  origin: boolean;
}

export interface ManageRequest {
  /** Every model that the request is about. */
  names: ManagedName[];
  body: JsonObject;
}

const NAMES = ['model', 'name', 'destination'];
const ORIGINS = ['from', 'source'];

/** Go matches keys without case, in more than ASCII: what is written otherwise could be taken for one that was read. */
const KEY = /^[a-z0-9_]+$/;

/**
 * Reads a request about models. Which fields there are is left to Ollama, but for those that name a model.
 * @throws GatewayError 400 where a name is no string
 */
export function readNativeManage(body: unknown): ManageRequest {
  if (!isObject(body)) throw wrongType('body', 'an object', body);
  const known = Object.fromEntries(Object.entries(body).filter(([key]) => KEY.test(key)));
  return { names: [...namesIn(known, NAMES, false), ...namesIn(known, ORIGINS, true)], body: known };
}

function namesIn(body: JsonObject, params: string[], origin: boolean): ManagedName[] {
  return params.flatMap((param) => {
    const name = body[param] ?? '';
    if (typeof name !== 'string') throw wrongType(param, 'a string', name);
    return name === '' ? [] : [{ param, name, origin }];
  });
}
