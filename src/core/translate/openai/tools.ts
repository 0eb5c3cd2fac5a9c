/** Tools, the choice among them, and their predecessors `functions` and `function_call`. */
import { type NativeTool, readDefinition, readTools } from '../native/tools.js';
import {
  badValue,
  type Fields,
  fields,
  isObject,
  type JsonObject,
  missingField,
  wrongType,
} from '../validate.js';

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

function only(tools: NativeTool[], name: string, param: string): NativeTool[] {
  const chosen = tools.filter((tool) => tool.function.name === name);
  if (chosen.length === 0) throw badValue(param, `"${name}" is not among the tools of the request.`);
  return chosen;
}

function nameIn(choice: Fields): { name: string; param: string } {
  const definition = choice.object('function');
  const name = definition?.string('name');
  if (definition === undefined || name === undefined) throw missingField(`${choice.at('function')}.name`);
  return { name, param: definition.at('name') };
}

/** The tools that a mode leaves: `none` of them, or all; `required` is best effort. */
function byMode(mode: string, tools: NativeTool[], param: string): NativeTool[] {
  if (mode === 'none') return [];
  if (mode === 'auto') return tools;
  if (mode !== 'required') throw badValue(param, 'must be "none", "auto" or "required", or name a tool.');
  if (tools.length === 0) throw badValue(param, 'is only allowed when tools are given.');
  return tools;
}

function chosen(body: Fields, tools: NativeTool[]): NativeTool[] {
  const value = body.get('tool_choice');
  if (value === undefined) return tools;
  if (typeof value === 'string') return byMode(value, tools, 'tool_choice');
  if (!isObject(value)) throw wrongType('tool_choice', 'a string or an object', value);
  const choice = fields(value, 'tool_choice');
  const type = choice.string('type');
  if (type === 'function') {
    const { name, param } = nameIn(choice);
    return only(tools, name, param);
  }
  if (type !== 'allowed_tools') throw badValue('tool_choice.type', 'must be "function" or "allowed_tools".');
  const allowed = choice.object('allowed_tools');
  const listed = allowed?.items('tools');
  if (allowed === undefined || listed === undefined) throw missingField('tool_choice.allowed_tools.tools');
  const names = listed.map(nameIn);
  for (const { name, param } of names) only(tools, name, param);
  const left = tools.filter((tool) => names.some(({ name }) => name === tool.function.name));
  return byMode(allowed.string('mode') ?? 'auto', left, allowed.at('mode'));
}

function legacyChosen(body: Fields, tools: NativeTool[]): NativeTool[] {
  const value = body.get('function_call');
  if (value === undefined) return tools;
  if (value === 'none' || value === 'auto') return byMode(value, tools, 'function_call');
  const name = fields(value, 'function_call').string('name');
  if (name === undefined) throw missingField('function_call.name');
  return only(tools, name, 'function_call.name');
}

/** @throws GatewayError 400 that names the field */
export function readToolUse(body: Fields): ToolUse {
  const functions = body.items('functions');
  const legacy = functions !== undefined && functions.length > 0;
  if (legacy && body.list('tools') !== undefined)
    throw badValue('functions', 'cannot be used together with tools.');
  const left = legacy
    ? legacyChosen(
        body,
        functions.map((definition) => adapted({ type: 'function', function: readDefinition(definition) })),
      )
    : chosen(body, (readTools(body) ?? []).map(adapted));
  return {
    tools: left.length === 0 ? undefined : left,
    single: legacy || body.boolean('parallel_tool_calls') === false,
    legacy,
  };
}
