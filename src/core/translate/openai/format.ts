/** The format of an answer: OpenAI's `response_format`, and `text.format` of responses. */
import {
  badValue,
  type Fields,
  isObject,
  missingField,
  pathOf,
  readString,
  readValue,
  wrongType,
} from '../validate.js';

/**
 * Ollama's `format`: `json`, a schema, or undefined for text.
 * @param schemaIn what holds `schema` where the type is `json_schema`
 * @throws GatewayError 400 that names the field
 */
export function readFormat(
  format: Fields | undefined,
  schemaIn: (format: Fields) => Fields | undefined,
): unknown {
  if (format === undefined) return undefined;
  const type = readString(format, 'type');
  if (type === undefined) throw missingField(pathOf(format, 'type'));
  if (type === 'text') return undefined;
  if (type === 'json_object') return 'json';
  if (type !== 'json_schema')
    throw badValue(pathOf(format, 'type'), 'must be text, json_object or json_schema.');
  const holder = schemaIn(format);
  const param = holder ? pathOf(holder, 'schema') : `${pathOf(format, 'json_schema')}.schema`;
  const schema = readValue(holder, 'schema');
  if (schema === undefined) throw missingField(param);
  if (!isObject(schema)) throw wrongType(param, 'an object', schema);
  return schema;
}
