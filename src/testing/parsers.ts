/** How Ollama takes thoughts and tool calls out of a stream of text. */
import { GoJsonError, type GoNode, parseGoJson, plain } from './go-json.js';

/** How many characters at the end of a text may be the beginning of a tag. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length); length > 0; length -= 1) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

const OPEN = '<think>';
const CLOSE = '</think>';

export interface ThoughtParser {
  add(text: string): { thinking: string; content: string };
}

export function createThoughtParser(): ThoughtParser {
  let state: 'before' | 'opened' | 'thinking' | 'closed' | 'after' = 'before';
  let held = '';

  const nothing = { thinking: '', content: '' };

  function step(): { thinking: string; content: string; more: boolean } {
    if (state === 'before') {
      const trimmed = held.trimStart();
      if (trimmed.startsWith(OPEN)) {
        held = trimmed.slice(OPEN.length).trimStart();
        state = held === '' ? 'opened' : 'thinking';
        return { ...nothing, more: held !== '' };
      }
      if (OPEN.startsWith(trimmed)) return { ...nothing, more: false };
      state = 'after';
    }
    if (state === 'opened') {
      held = held.trimStart();
      if (held === '') return { ...nothing, more: false };
      state = 'thinking';
    }
    if (state === 'thinking') {
      const end = held.indexOf(CLOSE);
      if (end >= 0) {
        const thinking = held.slice(0, end);
        held = held.slice(end + CLOSE.length).trimStart();
        state = held === '' ? 'closed' : 'after';
        return { thinking, content: '', more: held !== '' };
      }
      const thinking = held.slice(0, held.length - overlap(held, CLOSE));
      held = held.slice(thinking.length);
      return { thinking, content: '', more: false };
    }
    if (state === 'closed') {
      held = held.trimStart();
      if (held === '') return { ...nothing, more: false };
      state = 'after';
    }
    const content = held;
    held = '';
    return { thinking: '', content, more: false };
  }

  return {
    add(text) {
      held += text;
      const all = { ...nothing };
      for (;;) {
        const { thinking, content, more } = step();
        all.thinking += thinking;
        all.content += content;
        if (!more) return all;
      }
    },
  };
}

const TAG = '<tool_call>';

export interface ParsedCall {
  index: number;
  name: string;
  arguments: unknown;
}

export interface CallParser {
  add(text: string): { calls: ParsedCall[]; content: string };
}

/** @param names of the tools that were offered: others are not called */
export function createCallParser(names: string[]): CallParser {
  let held = '';
  let calling = false;
  let index = 0;

  /** The next whole JSON object in what is held. */
  function next(): GoNode | undefined {
    const start = held.indexOf('{');
    if (start < 0) return undefined;
    try {
      const node = parseGoJson(held.slice(start));
      held = held.slice(start + node.raw.length);
      return node;
    } catch (error) {
      if (error instanceof GoJsonError) return undefined;
      throw error;
    }
  }

  return {
    add(text) {
      held += text;
      let content = '';
      if (!calling) {
        const at = held.indexOf(TAG);
        content = at >= 0 ? held.slice(0, at) : held.slice(0, held.length - overlap(held, TAG));
        held = held.slice(content.length);
        calling = at >= 0;
        if (!calling) return { calls: [], content };
      }
      const calls: ParsedCall[] = [];
      for (let node = next(); node; node = next()) {
        const { name, arguments: args = {} } = plain(node) as { name?: unknown; arguments?: unknown };
        if (typeof name !== 'string' || !names.includes(name)) continue;
        calls.push({ index, name, arguments: args });
        index += 1;
      }
      return { calls, content };
    },
  };
}
