/** `POST /api/generate`. */
import { timestamp } from './clock.js';
import { answerTo, continuationOf, infillOf, repeatedIn } from './dialogs.js';
import {
  contextOf,
  failure,
  formatOf,
  optionsOf,
  type Plan,
  run,
  standInLine,
  unload,
  type Writer,
} from './generation.js';
import type { Logprob } from './logprobs.js';
import type { Model } from './models.js';
import { parseName } from './names.js';
import { createThoughtParser } from './parsers.js';
import { GENERATE, type GenerateRequest, type Message } from './shapes.js';
import { infill, renderPrompt } from './template.js';
import { ApiError, type Handler, readBody, type Visit, workingModel } from './world.js';

/** Ollama ends an answer in which more pieces than these are like the one before, and says nothing of it. */
const MOST_REPEATS = 30;

interface Prepared {
  plan: Plan;
  /** The prompt as the model reads it. */
  prompt: string;
}

function prepare(visit: Visit, model: Model, request: GenerateRequest): Prepared {
  const { tokenizer } = visit.world;
  const options = optionsOf(model, request.options);
  const format = formatOf(request.format);
  const said = request.prompt ?? '';
  const suffix = request.suffix ?? '';
  const thinks = model.capabilities.includes('thinking');
  const sees = model.capabilities.includes('vision');
  const images = request.images ?? [];
  const system = request.system || model.system;
  const messages: Message[] = [
    ...(system ? [{ role: 'system', content: system }] : []),
    { role: 'user', content: images.map((_, index) => (sees ? '' : `[img-${index}]`)).join('') + said },
  ];
  const rendered = request.raw
    ? said
    : suffix
      ? infill(said, suffix)
      : renderPrompt({ messages, tools: [], thinks });
  const prompt = tokenizer.decode(request.context ?? []) + rendered;

  const tokens = tokenizer.encode(prompt).length;
  const context = contextOf(model, options);
  const cut = tokens > context;
  if (cut && request.truncate === false)
    throw new ApiError(400, 'the input length exceeds the context length');
  const letter = request.raw ? repeatedIn(said) : undefined;
  const answer = () => {
    if (letter !== undefined) return Array.from({ length: MOST_REPEATS + 1 }, () => letter);
    if (suffix && !request.raw) return [infillOf(said, suffix)];
    if (request.raw) return [continuationOf(said)];
    const asked = [...messages.slice(0, -1), { role: 'user', content: said, images }];
    const { answers } = model;
    return answerTo({
      messages: asked,
      tools: [],
      answers,
      sees,
      thinks: thinks && request.think !== false,
      cut,
      format,
    });
  };
  return {
    prompt,
    plan: {
      model,
      options,
      promptTokens: Math.min(tokens, context),
      text: answer(),
      brokenOff: letter !== undefined,
      top: request.logprobs ? (request.top_logprobs ?? 0) : undefined,
      stream: request.stream ?? true,
      keepAlive: request.keep_alive,
    },
  };
}

function createWriter(visit: Visit, request: GenerateRequest, prompt: string, thinking: boolean): Writer {
  const thoughts = thinking ? createThoughtParser() : undefined;
  const all = { said: '', response: '', thinking: '', logprobs: [] as Logprob[] };
  let end: object = {};
  let done = false;

  const some = (logprobs: Logprob[]) => (logprobs.length > 0 ? logprobs : undefined);
  const object = (response: string, thinking: string, logprobs: Logprob[], tail: object = {}) => ({
    model: request.model,
    created_at: timestamp(),
    response,
    thinking: thinking || undefined,
    done,
    ...tail,
    logprobs: some(logprobs),
  });

  return {
    lines({ text, logprobs, reason }, metrics) {
      all.said += text;
      const said = thoughts?.add(text) ?? { thinking: '', content: text };
      all.response += said.content;
      all.thinking += said.thinking;
      all.logprobs.push(...logprobs);
      // Unlike chat, generate sends a line for every piece, though its text be a tag that is left out.
      const lines = text === '' ? [] : [object(said.content, said.thinking, logprobs)];
      if (reason) {
        done = true;
        const context = request.raw ? undefined : visit.world.tokenizer.encode(prompt + all.said);
        end = { done_reason: reason, context, ...metrics };
        lines.push(object('', '', [], end));
      }
      return lines;
    },
    whole: () => object(all.response, all.thinking, all.logprobs, end),
  };
}

export const generate: Handler = async (visit) => {
  const request = readBody(visit, 'GenerateRequest', GENERATE);
  const { models } = visit.world;
  const top = request.top_logprobs ?? 0;
  if (top < 0 || top > 20) throw new ApiError(400, 'top_logprobs must be between 0 and 20');
  const missing = new ApiError(404, `model '${request.model ?? ''}' not found`);
  const model = workingModel(visit, request.model, { unnamed: missing, missing });
  const empty = (reason: string) => ({
    model: request.model,
    created_at: timestamp(),
    response: '',
    done: true,
    done_reason: reason,
  });
  const silent = (request.prompt ?? '') === '';
  if (silent && request.keep_alive === 0) {
    unload(visit, model);
    visit.reply.json(200, empty('unload'));
    return;
  }
  if (request.raw && (request.template || request.system || (request.context ?? []).length > 0)) {
    throw new ApiError(400, 'raw mode does not support template, system, or context');
  }

  const can = (capability: Model['capabilities'][number]) => model.capabilities.includes(capability);
  if (request.think && !can('thinking'))
    throw new ApiError(400, `"${request.model}" does not support thinking`);
  if (!can('completion')) throw new ApiError(400, `"${request.model}" does not support generate`);
  if (request.suffix && !can('insert')) {
    throw new ApiError(400, `${parseName(model.name)!.full} does not support insert`);
  }
  optionsOf(model, request.options);
  models.load(model, request.keep_alive === 0 ? undefined : request.keep_alive);
  if (silent) {
    visit.reply.json(200, empty('load'));
    return;
  }

  await standInLine(visit, model);
  if (visit.gone.aborted) return;
  try {
    const { plan, prompt } = prepare(visit, model, request);
    await run(visit, plan, createWriter(visit, request, prompt, can('thinking') && request.think !== false));
  } catch (error) {
    failure(visit, request.stream ?? true, error);
  }
};
