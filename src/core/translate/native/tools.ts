/** Tool definitions, in the one type that Ollama has. */
import { MAX_TOOLS } from '../bounds.js';
import {
  badValue,
  type Fields,
  missingField,
  pathOf,
  present,
  readItems,
  readObject,
  readString,
  readValue,
  wrongType,
} from '../validate.js';

export interface NativeTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: unknown };
}

/** Rebuilt from known keys; the JSON schema in `parameters` goes as it is. */
export function readTools(body: Fields): NativeTool[] | undefined {
  const tools = readItems(body, 'tools', MAX_TOOLS, readTool);
  return tools === undefined || tools.length === 0 ? undefined : tools;
}

function readTool(tool: Fields): NativeTool {
  const type = readString(tool, 'type') ?? 'function';
  if (type !== 'function')
    throw badValue(pathOf(tool, 'type'), `tools of type "${type}" are not supported, only "function".`);
  const definition = readObject(tool, 'function');
  if (definition === undefined) throw missingField(pathOf(tool, 'function'));
  return { type: 'function', function: readDefinition(definition) };
}

/** Name, description and parameters of a function. */
export function readDefinition(definition: Fields): NativeTool['function'] {
  const name = readString(definition, 'name');
  if (name === undefined || name === '') throw missingField(pathOf(definition, 'name'));
  const parameters = readValue(definition, 'parameters');
  if (parameters !== undefined && (typeof parameters !== 'object' || Array.isArray(parameters))) {
    throw wrongType(pathOf(definition, 'parameters'), 'an object', parameters);
  }
  return { name, ...present({ description: readString(definition, 'description'), parameters }) };
}
