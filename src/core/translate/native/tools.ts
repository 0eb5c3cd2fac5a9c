/** Tool definitions, in the one type that Ollama has. */
import { badValue, type Fields, missingField, present, wrongType } from '../validate.js';

export interface NativeTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: unknown };
}

/** Rebuilt from known keys; the JSON schema in `parameters` goes as it is. */
export function readTools(body: Fields): NativeTool[] | undefined {
  const tools = body.items('tools');
  if (tools === undefined || tools.length === 0) return undefined;
  return tools.map(readTool);
}

function readTool(tool: Fields): NativeTool {
  const type = tool.string('type') ?? 'function';
  if (type !== 'function')
    throw badValue(tool.at('type'), `tools of type "${type}" are not supported, only "function".`);
  const definition = tool.object('function');
  if (definition === undefined) throw missingField(tool.at('function'));
  return { type: 'function', function: readDefinition(definition) };
}

/** Name, description and parameters of a function. */
export function readDefinition(definition: Fields): NativeTool['function'] {
  const name = definition.string('name');
  if (name === undefined || name === '') throw missingField(definition.at('name'));
  const parameters = definition.get('parameters');
  if (parameters !== undefined && (typeof parameters !== 'object' || Array.isArray(parameters))) {
    throw wrongType(definition.at('parameters'), 'an object', parameters);
  }
  return { name, ...present({ description: definition.string('description'), parameters }) };
}
