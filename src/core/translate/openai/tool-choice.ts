/** `tool_choice`. Ollama cannot be told to choose: the model is shown only what may be called. */
import { MAX_TOOLS } from '../bounds.js';
import type { NativeTool } from '../native/tools.js';
import {
  badValue,
  type Fields,
  fields,
  isObject,
  missingField,
  pathOf,
  readItems,
  readObject,
  readString,
  readValue,
  wrongType,
} from '../validate.js';

/** Where a choice has its names: chat completions and responses write the same thing differently. */
export interface ChoiceForm {
  /** What holds `name`. */
  named(choice: Fields): Fields | undefined;
  /** The name's path, for errors. */
  path(choice: Fields): string;
  /** What holds `mode` and `tools`. */
  allowed(choice: Fields): Fields | undefined;
}

/** `{ type: 'function', function: { name } }` */
export const CHAT_CHOICE: ChoiceForm = {
  named: (choice) => readObject(choice, 'function'),
  path: (choice) => `${pathOf(choice, 'function')}.name`,
  allowed: (choice) => readObject(choice, 'allowed_tools'),
};

/** `{ type: 'function', name }` */
export const RESPONSE_CHOICE: ChoiceForm = {
  named: (choice) => choice,
  path: (choice) => pathOf(choice, 'name'),
  allowed: (choice) => choice,
};

/** The one tool of that name. */
export function only(tools: NativeTool[], name: string, param: string): NativeTool[] {
  const chosen = tools.filter((tool) => tool.function.name === name);
  if (chosen.length === 0) throw unknownTool(name, param);
  return chosen;
}

const unknownTool = (name: string, param: string) =>
  badValue(param, `"${name}" is not among the tools of the request.`);

/** The tools that a mode leaves: `none` of them, or all; `required` is best effort. */
export function byMode(mode: string, tools: NativeTool[], param: string): NativeTool[] {
  if (mode === 'none') return [];
  if (mode === 'auto') return tools;
  if (mode !== 'required') throw badValue(param, 'must be "none", "auto" or "required", or name a tool.');
  if (tools.length === 0) throw badValue(param, 'is only allowed when tools are given.');
  return tools;
}

function nameIn(choice: Fields, form: ChoiceForm): string {
  const name = readString(form.named(choice), 'name');
  if (name === undefined) throw missingField(form.path(choice));
  return name;
}

/**
 * The tools that `tool_choice` leaves to the model.
 * @throws GatewayError 400 that names the field
 */
export function chosenTools(body: Fields, tools: NativeTool[], form: ChoiceForm): NativeTool[] {
  const value = readValue(body, 'tool_choice');
  if (value === undefined) return tools;
  if (typeof value === 'string') return byMode(value, tools, 'tool_choice');
  if (!isObject(value)) throw wrongType('tool_choice', 'a string or an object', value);
  const choice = fields(value, 'tool_choice');
  const type = readString(choice, 'type');
  const named = type === 'function' || (type === 'custom' && form === RESPONSE_CHOICE);
  if (named) return only(tools, nameIn(choice, form), form.path(choice));
  if (type !== 'allowed_tools') throw badValue('tool_choice.type', 'must be "function" or "allowed_tools".');
  const allowed = form.allowed(choice);
  // Sets: there may be thousands of tools, and as many names.
  const known = new Set(tools.map((tool) => tool.function.name));
  const names = readItems(allowed, 'tools', MAX_TOOLS, (item) => {
    const name = nameIn(item, form);
    if (!known.has(name)) throw unknownTool(name, form.path(item));
    return name;
  });
  if (allowed === undefined || names === undefined) {
    throw missingField(allowed ? pathOf(allowed, 'tools') : 'tool_choice.allowed_tools.tools');
  }
  const wanted = new Set(names);
  const left = tools.filter((tool) => wanted.has(tool.function.name));
  return byMode(readString(allowed, 'mode') ?? 'auto', left, pathOf(allowed, 'mode'));
}
