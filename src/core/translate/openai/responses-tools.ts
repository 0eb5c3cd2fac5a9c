/** The tools of `POST /responses`: a model is shown functions, and whatever else a client can run made into one. */
import { MAX_TOOLS } from '../bounds.js';
import type { NativeTool } from '../native/tools.js';
import { type Fields, missingField, pathOf, readBoolean, readItems, readString } from '../validate.js';
import { chosenTools, RESPONSE_CHOICE } from './tool-choice.js';
import { readFunction } from './tools.js';

export interface ResponseTools {
  /** What the model is shown. */
  tools: NativeTool[] | undefined;
  /** At most one call in the answer. */
  single: boolean;
  /** Names of tools whose calls carry a free text. */
  custom: ReadonlySet<string>;
  /** The namespace of each tool that has one. */
  namespaces: ReadonlyMap<string, string>;
  /** Types of tools that were left out: they need a server that runs them. */
  leftOut: string[];
}

/** A type as it may stand in a header. */
const TYPE = /^[a-z0-9_.-]{1,64}$/i;
/** Types that are named; more are not worth a header. */
const MOST_NAMED = 16;

/** The one argument of a tool that takes a free text. */
const INPUT = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };

/** @throws GatewayError 400 that names the field */
export function readResponseTools(body: Fields): ResponseTools {
  const custom = new Set<string>();
  const namespaces = new Map<string, string>();
  const leftOut = new Set<string>();
  const all: NativeTool[] = [];

  function read(tool: Fields, namespace?: string): void {
    const type = readString(tool, 'type');
    if (type === undefined) throw missingField(pathOf(tool, 'type'));
    if (type === 'function' || type === 'custom') {
      const native = readFunction(tool);
      const { name } = native.function;
      if (type === 'custom') {
        custom.add(name);
        native.function.parameters = INPUT;
      }
      if (namespace !== undefined) namespaces.set(name, namespace);
      all.push(native);
    } else if (type === 'namespace' && namespace === undefined) {
      const name = readString(tool, 'name') ?? '';
      readItems(tool, 'tools', MAX_TOOLS, (inner) => read(inner, name));
    } else if (leftOut.size < MOST_NAMED) {
      leftOut.add(TYPE.test(type) ? type : 'unknown');
    }
  }

  readItems(body, 'tools', MAX_TOOLS, (tool) => read(tool));
  const left = chosenTools(body, all, RESPONSE_CHOICE);
  return {
    tools: left.length === 0 ? undefined : left,
    single: readBoolean(body, 'parallel_tool_calls') === false,
    custom,
    namespaces,
    leftOut: [...leftOut],
  };
}

/** For the `warning` header. */
export function warningOf(leftOut: string[]): string | undefined {
  return leftOut.length === 0 ? undefined : `299 - "tools left out: ${leftOut.join(', ')}"`;
}
