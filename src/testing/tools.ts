/** Which tools a prompt asks for, and with which arguments. */
import { exampleOf, factsOf } from './schema-example.js';
import type { Tool } from './shapes.js';
import { toolCallText } from './template.js';

/** What a tool's name does, and not what it is about. */
const VERBS = new Set([
  'get',
  'set',
  'list',
  'find',
  'search',
  'fetch',
  'read',
  'do',
  'run',
  'make',
  'the',
  'current',
]);

const words = (text: string): string[] => text.toLowerCase().match(/\p{L}+|\d+/gu) ?? [];

function splitName(name: string): string[] {
  const all = words(name.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2'));
  const telling = all.filter((word) => !VERBS.has(word));
  return telling.length > 0 ? telling : all;
}

/** JSON as a model writes it: with spaces after commas and colons. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${spacedJson(inner)}`);
  return `{${entries.join(', ')}}`;
}

/** A prompt about Paris and Rome asks a tool about a city twice. */
function argumentsOf(tool: Tool, prompt: string): unknown[] {
  const schema = tool.function?.parameters ?? {};
  const facts = factsOf(prompt);
  const { properties } = schema;
  const single =
    typeof properties === 'object' && properties !== null && Object.keys(properties).length === 1;
  const together = single && facts.quotes.length === 0 && / and /.test(prompt) && facts.names.length > 1;
  const names = together ? facts.names.map((name) => [name]) : [facts.names];
  return names.map((each) => exampleOf({ type: 'object', ...schema }, { ...facts, names: each }));
}

/** The calls as the model writes them; undefined where the prompt names no tool. */
export function callsFor(prompt: string, tools: Tool[]): string | undefined {
  const said = new Set(words(prompt));
  const named = tools.filter(({ function: tool }) => {
    const name = tool?.name ?? '';
    return name !== '' && (prompt.includes(name) || splitName(name).some((word) => said.has(word)));
  });
  if (named.length === 0) return undefined;
  return named
    .flatMap((tool) =>
      argumentsOf(tool, prompt).map((each) => toolCallText(tool.function!.name!, spacedJson(each))),
    )
    .join('\n');
}
