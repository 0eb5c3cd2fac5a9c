/** `POST /api/chat`. */
import { randomBytes } from 'node:crypto';
import { timestamp } from './clock.js';
import { answerTo } from './dialogs.js';
import {
  contextOf,
  failure,
  formatOf,
  type Metrics,
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
import { createCallParser, createThoughtParser } from './parsers.js';
import type { Step } from './sampling.js';
import { CHAT, type ChatRequest, type Message } from './shapes.js';
import { renderPrompt } from './template.js';
import { ApiError, type Handler, readBody, type Visit, workingModel } from './world.js';

/** What an image counts for a model that sees. */
const IMAGE_TOKENS = 576;

/** `call_` and eight letters and digits. */
const callId = () => `call_${Array.from(randomBytes(8), (byte) => (byte % 36).toString(36)).join('')}`;

interface Reading {
  prompt: string;
  tokens: number;
  cut: boolean;
}

/**
 * The oldest messages are left out until the rest fits; the last one stays, and is cut where it is too
 * long.
 */
function read(
  visit: Visit,
  model: Model,
  request: ChatRequest,
  messages: Message[],
  context: number,
): Reading {
  const sees = model.capabilities.includes('vision');
  const thinks = model.capabilities.includes('thinking');
  const shown = messages.map((message) => ({
    ...message,
    content:
      (message.images ?? []).map((_, index) => (sees ? '' : `[img-${index}]`)).join('') +
      (message.content ?? ''),
  }));
  const images = sees ? messages.reduce((sum, { images = [] }) => sum + images.length, 0) * IMAGE_TOKENS : 0;

  const render = (from: number) => {
    const kept = shown.filter(({ role }, index) => index >= from || role === 'system');
    const prompt = renderPrompt({ messages: kept, tools: request.tools ?? [], thinks });
    return { prompt, tokens: visit.world.tokenizer.encode(prompt).length + images };
  };
  let reading = render(0);
  for (let from = 1; reading.tokens > context && from < shown.length; from += 1) {
    if (request.truncate === false) break;
    reading = render(from);
  }
  if (reading.tokens <= context) return { ...reading, cut: false };
  if (request.truncate === false) throw new ApiError(400, 'the input length exceeds the context length');
  return { ...reading, tokens: context, cut: true };
}

function createWriter(request: ChatRequest, thinking: boolean): Writer {
  const tools = (request.tools ?? []).map(({ function: tool }) => tool?.name ?? '');
  const thoughts = thinking ? createThoughtParser() : undefined;
  const parser = tools.length > 0 ? createCallParser(tools) : undefined;
  const all = { content: '', thinking: '', calls: [] as object[], logprobs: [] as Logprob[] };
  let end: object = { done: false };

  const message = (content: string, thinking: string, calls: object[]) => ({
    role: 'assistant',
    content,
    thinking: thinking || undefined,
    tool_calls: calls.length > 0 ? calls : undefined,
  });
  const head = () => ({ model: request.model, created_at: timestamp() });
  const some = (logprobs: Logprob[]) => (logprobs.length > 0 ? logprobs : undefined);

  return {
    lines({ text, logprobs, reason }: Step, metrics?: Metrics) {
      const said = thoughts?.add(text) ?? { thinking: '', content: text };
      const parsed = parser?.add(said.content) ?? { calls: [], content: said.content };
      const calls = parsed.calls.map((call) => ({ id: callId(), function: call }));
      all.content += parsed.content;
      all.thinking += said.thinking;
      all.calls.push(...calls);
      all.logprobs.push(...logprobs);

      const lines: object[] = [];
      const seen = parsed.content !== '' || said.thinking !== '' || calls.length > 0 || logprobs.length > 0;
      if (seen) {
        lines.push({
          ...head(),
          message: message(parsed.content, said.thinking, calls),
          done: false,
          logprobs: some(logprobs),
        });
      }
      if (reason) {
        end = { done: true, done_reason: reason, ...metrics };
        lines.push({ ...head(), message: message('', '', []), ...end });
      }
      return lines;
    },
    whole() {
      const { done, done_reason, ...metrics } = end as { done: boolean; done_reason?: string };
      const whole = message(all.content, all.thinking, all.calls);
      return { ...head(), message: whole, done, done_reason, logprobs: some(all.logprobs), ...metrics };
    },
  };
}

function planOf(visit: Visit, model: Model, request: ChatRequest, messages: Message[]): Plan {
  const options = optionsOf(model, request.options);
  const format = formatOf(request.format);
  const { tokens, cut } = read(visit, model, request, messages, contextOf(model, options));
  const text = answerTo({
    messages,
    tools: request.tools ?? [],
    answers: model.answers,
    sees: model.capabilities.includes('vision'),
    thinks: model.capabilities.includes('thinking') && request.think !== false,
    cut,
    format,
  });
  const top = request.logprobs ? (request.top_logprobs ?? 0) : undefined;
  const stream = request.stream ?? true;
  return { model, options, promptTokens: tokens, text, top, stream, keepAlive: request.keep_alive };
}

export const chat: Handler = async (visit) => {
  const request = readBody(visit, 'ChatRequest', CHAT);
  const { models } = visit.world;
  const top = request.top_logprobs ?? 0;
  if (top < 0 || top > 20) throw new ApiError(400, 'top_logprobs must be between 0 and 20');
  const model = workingModel(visit, request.model, {
    unnamed: new ApiError(400, 'model is required'),
    missing: new ApiError(404, `model '${request.model}' not found`),
  });
  const messages = (request.messages ?? []).map((message) => ({
    ...message,
    role: message.role?.toLowerCase(),
  }));

  const empty = (reason: string) => ({
    model: request.model,
    created_at: timestamp(),
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: reason,
  });
  if (messages.length === 0 && request.keep_alive === 0) {
    unload(visit, model);
    visit.reply.json(200, empty('unload'));
    return;
  }

  const can = (capability: Model['capabilities'][number]) => model.capabilities.includes(capability);
  if (request.think && !can('thinking'))
    throw new ApiError(400, `"${request.model}" does not support thinking`);
  if (!can('completion')) throw new ApiError(400, `"${request.model}" does not support chat`);
  if ((request.tools ?? []).length > 0 && !can('tools')) {
    throw new ApiError(400, `${parseName(model.name)!.full} does not support tools`);
  }
  optionsOf(model, request.options);
  models.load(model, request.keep_alive === 0 ? undefined : request.keep_alive);
  if (messages.length === 0) {
    visit.reply.json(200, empty('load'));
    return;
  }
  if (model.system !== '' && messages[0]?.role !== 'system') {
    messages.unshift({ role: 'system', content: model.system });
  }

  await standInLine(visit, model);
  if (visit.gone.aborted) return;
  try {
    const plan = planOf(visit, model, request, messages);
    await run(visit, plan, createWriter(request, can('thinking') && request.think !== false));
  } catch (error) {
    failure(visit, request.stream ?? true, error);
  }
};
