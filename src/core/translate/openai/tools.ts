/** Tools, and their predecessors `functions` and `function_call`. */
import { MAX_TOOLS } from '../bounds.js';
import { type NativeTool, readDefinition, readTools } from '../native/tools.js';
import {
  badValue,
  type Fields,
  isObject,
  type JsonObject,
  missingField,
  readBoolean,
  readItems,
  readList,
  readObject,
  readString,
  readValue,
} from '../validate.js';
import { byMode, CHAT_CHOICE, chosenTools, only } from './tool-choice.js';

export interface ToolUse {
  /** What the model is shown. Ollama cannot be told to choose: it is shown only what may be called. */
  tools: NativeTool[] | undefined;
  /** At most one call in the answer. */
  single: boolean;
  /** The answer's calls go into `function_call`. */
  legacy: boolean;
}

/** Ollama's type for a property has no booleans in it; `true` and `{}` mean the same in JSON Schema. */
function propertySchema(schema: unknown): unknown {
  if (typeof schema === 'boolean') return {};
  if (!isObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === 'properties') return [key, properties(value)];
      if (key === 'anyOf' && Array.isArray(value)) return [key, value.map(propertySchema)];
      return [key, value];
    }),
  );
}

function properties(value: unknown): JsonObject {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, propertySchema(schema)]));
}

/** The schema of an object, which is all that Ollama knows as parameters. */
function parametersSchema(parameters: unknown): JsonObject {
  const schema = isObject(parameters) ? parameters : {};
  return { ...schema, type: 'object', properties: properties(schema.properties) };
}

const adapted = ({ function: { name, description, parameters } }: NativeTool): NativeTool => ({
  type: 'function',
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parametersSchema(parameters),
  },
});

export const readFunction = (definition: Fields): NativeTool =>
  adapted({ type: 'function', function: readDefinition(definition) });

function legacyChosen(body: Fields, tools: NativeTool[]): NativeTool[] {
  const value = readValue(body, 'function_call');
  if (value === undefined) return tools;
  if (value === 'none' || value === 'auto') return byMode(value, tools, 'function_call');
  const name = readString(readObject(body, 'function_call'), 'name');
  if (name === undefined) throw missingField('function_call.name');
  return only(tools, name, 'function_call.name');
}

/** @throws GatewayError 400 that names the field */
export function readToolUse(body: Fields): ToolUse {
  const functions = readItems(body, 'functions', MAX_TOOLS, readFunction) ?? [];
  const legacy = functions.length > 0;
  if (legacy && readList(body, 'tools', MAX_TOOLS) !== undefined)
    throw badValue('functions', 'cannot be used together with tools.');
  const left = legacy
    ? legacyChosen(body, functions)
    : chosenTools(body, (readTools(body) ?? []).map(adapted), CHAT_CHOICE);
  return {
    tools: left.length === 0 ? undefined : left,
    single: legacy || readBoolean(body, 'parallel_tool_calls') === false,
    legacy,
  };
}
