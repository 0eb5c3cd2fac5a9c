/**
 * How large a prompt is, by everything in a native request that a template can show to the model.
 *
 * Tokens are not counted here. A text is measured in *units*: what it would have in tokens for a large vocabulary that
 * knows English and code well, by words, digits, signs and scripts. What a model makes of a unit is learned
 * (estimate.ts); within one script it varies far less from text to text than tokens to a byte do.
 */
import type { NativeMessage, NativeRequest } from '../translate/types.js';
import { isObject } from '../translate/validate.js';
import { type Scan, scanText } from './text-units.js';

/** What tokens are learned for, each by its own factor. */
export const KINDS = ['ascii', 'other', 'space', 'tools', 'media'] as const;
export type Kind = (typeof KINDS)[number];

export interface PromptSize {
  units: Record<Kind, number>;
  /** UTF-8 bytes of all texts: no tokenizer makes more tokens of them. */
  bytes: number;
  /** Units that some templates show and most do not (ids, formats): they are held, and not expected. */
  extra: number;
  /** Tokens that are known as such (`context`). */
  tokens: number;
  /** Messages or inputs: the template puts tokens around each. */
  parts: number;
  /** Rendered by the model's own template, with all that it puts around a prompt. */
  framed: boolean;
}

/** What templates say about tools, beside their definitions. */
const TOOLS_UNITS = 60;
/** An image has 256 to 2,000 tokens in the vision models that Ollama serves. */
const MEDIA_UNITS = 600;

/** Characters of one prompt that are looked at; what is beyond is taken to be as those are, on average. */
const LOOK_AT_CHARACTERS = 32_768;
/** Those of a longer prompt are looked at in pieces of so many characters. */
const PIECE_CHARACTERS = 512;

/** @param pick a number from 0 to 1 that nobody can foresee: where in a long prompt it is looked at */
export function promptSize(request: NativeRequest, pick = Math.random): PromptSize {
  const texts = createTexts();
  const extra = createTexts();
  const tools = createTexts();
  let media = 0;
  let parts = 0;

  const { messages, input, prompt, images, context } = request;
  if (Array.isArray(messages)) {
    parts = messages.length;
    for (const message of messages as NativeMessage[]) media += addMessage(message, texts, extra);
  } else if (input !== undefined) {
    const inputs = Array.isArray(input) ? input : [input];
    parts = inputs.length;
    for (const one of inputs) texts.add(one);
  } else {
    parts = request.system === undefined ? 1 : 2;
    for (const text of [prompt, request.system, request.suffix, request.template]) texts.add(text);
    if (Array.isArray(images)) media = images.length;
  }
  if (request.tools !== undefined) tools.add(JSON.stringify(request.tools));
  if (isObject(request.format)) extra.add(JSON.stringify(request.format));

  const [text, beside, defined] = [texts.measure(pick), extra.measure(pick), tools.measure(pick)];
  return {
    units: {
      ascii: text.ascii,
      other: text.other,
      space: text.space,
      tools: request.tools === undefined ? 0 : TOOLS_UNITS + unitsIn(defined),
      media: media * MEDIA_UNITS,
    },
    bytes: text.bytes,
    extra: unitsIn(beside),
    tokens: Array.isArray(context) ? context.length : 0,
    parts,
    framed: input === undefined && !request.raw && !request.suffix && !request.template && !context,
  };
}

const unitsIn = ({ ascii, other, space }: Scan) => ascii + other + space;

/** @returns how many images it has */
function addMessage(message: NativeMessage, texts: Texts, extra: Texts): number {
  texts.add(message.content);
  texts.add(message.thinking);
  texts.add(message.tool_name);
  extra.add(message.tool_call_id);
  for (const call of message.tool_calls ?? []) {
    texts.add(call.function.name);
    texts.add(JSON.stringify(call.function.arguments));
    extra.add(call.id);
  }
  return message.images?.length ?? 0;
}

interface Texts {
  /** Anything but a text counts nothing. */
  add(text: unknown): void;
  measure(pick: () => number): Scan;
}

function createTexts(): Texts {
  const all: string[] = [];
  let length = 0;
  return {
    add(text) {
      if (typeof text !== 'string' || text === '') return;
      all.push(text);
      length += text.length;
    },
    measure(pick) {
      const scan: Scan = { ascii: 0, other: 0, space: 0, bytes: 0 };
      if (length <= LOOK_AT_CHARACTERS) {
        for (const text of all) scanText(text, 0, text.length, scan);
        return scan;
      }
      return sampled(all, length, pick, scan);
    },
  };
}

/** Pieces at a regular distance, from a start that is picked. Bytes are those of all texts. */
function sampled(texts: string[], length: number, pick: () => number, scan: Scan): Scan {
  const distance = Math.ceil((length / LOOK_AT_CHARACTERS) * PIECE_CHARACTERS);
  let next = Math.floor(pick() * (distance - PIECE_CHARACTERS));
  let looked = 0;
  let passed = 0;
  let bytes = 0;
  for (const text of texts) {
    bytes += Buffer.byteLength(text);
    for (; next < passed + text.length; next += distance) {
      const from = Math.max(0, next - passed);
      const to = Math.min(text.length, from + PIECE_CHARACTERS);
      scanText(text, from, to, scan);
      looked += to - from;
    }
    passed += text.length;
  }
  const share = length / Math.max(1, looked);
  return { ascii: scan.ascii * share, other: scan.other * share, space: scan.space * share, bytes };
}
