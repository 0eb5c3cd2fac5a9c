/** What Ollama tells of its models that is the operator's: prompts, files of the server, and who else runs a model. */
import { isObject, type JsonObject } from '../validate.js';

const OPERATORS_ONLY = ['modelfile', 'system', 'messages', 'remote_host', 'remote_model'];
const LISTED_ORIGINS = ['remote_host', 'remote_model'];

/** A reply of `/api/show` for those who only use models. */
export function withoutOperators(shown: JsonObject): JsonObject {
  return withoutParent(without(shown, OPERATORS_ONLY));
}

/** An entry of `/api/tags` or `/api/ps` for those who only use models; the same one where it hides nothing. */
export function withoutOrigin<T extends JsonObject>(listed: T): T {
  const hides = LISTED_ORIGINS.some((key) => Object.hasOwn(listed, key));
  return withoutParent(hides ? (without(listed, LISTED_ORIGINS) as T) : listed);
}

function without(value: JsonObject, keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** Empty, as it is for most models, and never absent: clients read it. */
function withoutParent<T extends JsonObject>(value: T): T {
  const { details } = value;
  if (!isObject(details) || (details.parent_model ?? '') === '') return value;
  return { ...value, details: { ...details, parent_model: '' } };
}
