/** Runs a generation: pace, faults, the client that leaves, and the two ways to answer. */
import { metronome, pause, stopwatch, until } from './clock.js';
import { parseGoJson, plain } from './go-json.js';
import { goQuote } from './go-text.js';
import type { Model } from './models.js';
import { type ModelOptions, optionError, readOptions } from './options.js';
import { type Step, sample } from './sampling.js';
import { ApiError, type Visit } from './world.js';

export interface Metrics {
  total_duration: number;
  load_duration: number;
  prompt_eval_count: number;
  prompt_eval_duration: number;
  eval_count: number;
  eval_duration?: number;
}

export interface Plan {
  model: Model;
  options: ModelOptions;
  /** What the prompt counts. */
  promptTokens: number;
  /** What the model says, in pieces that tokens do not reach over. */
  text: string[];
  /** How many alternatives per token; undefined for no logprobs. */
  top?: number;
  stream: boolean;
  keepAlive?: number;
  /** It ends without saying so. */
  brokenOff?: boolean;
}

/** How an endpoint writes what is generated. */
export interface Writer {
  /** The lines for one step; the last step has metrics. */
  lines(step: Step, metrics?: Metrics): object[];
  /** The whole answer, of all lines. */
  whole(): object;
}

/** @throws {ApiError} */
export function optionsOf(model: Model, given: Record<string, unknown> = {}): ModelOptions {
  const wrong = optionError(given);
  if (wrong) throw new ApiError(500, wrong);
  return readOptions(model.parameters, given);
}

/** `format` as it came: nothing, `json` or a schema. @throws {ApiError} in Ollama's words */
export function formatOf(raw: string | undefined): 'json' | Record<string, unknown> | undefined {
  if (raw === undefined || raw === '""') return undefined;
  if (raw === '"json"') return 'json';
  if (raw.startsWith('{')) return plain(parseGoJson(raw)) as Record<string, unknown>;
  throw new ApiError(500, `invalid format: ${goQuote(raw)}; expected "json" or a valid JSON Schema object`);
}

/** The model's context, in tokens. */
export const contextOf = (model: Model, options: ModelOptions): number =>
  Math.min(options.num_ctx ?? model.contextLength, model.contextLength);

/** Waits for ever where the model is locked. */
export async function standInLine({ world, gone }: Visit, model: Model): Promise<void> {
  if (!world.locks.isLocked(model.name)) return;
  const leave = world.locks.wait(model.name);
  await until(gone);
  if (leave()) world.models.unload(model);
}

/** What `keep_alive: 0` without a prompt asks for. A locked model goes when nobody waits for it any more. */
export function unload({ world }: Visit, model: Model): void {
  if (world.locks.unload(model.name)) world.models.unload(model);
  else world.models.expire(model);
}

/** Tokens of a whole answer that are generated without looking at the client, where there is no pace. */
const UNSEEN = 256;

const DEFAULT_ERROR = 'an error was encountered while running the model: unexpected EOF';
const GARBAGE = '<html>502 Bad Gateway</html>\n';

export async function run(visit: Visit, plan: Plan, writer: Writer): Promise<void> {
  const { world, reply, record, gone } = visit;
  const total = stopwatch();
  const fault = world.faults.take(['error-line', 'eof', 'reset', 'garbage'], visit.path, plan.model.name);
  const strikesAfter = fault?.afterTokens ?? 3;
  let struck = false;

  /** @returns whether the answer is over */
  async function strike(): Promise<boolean> {
    struck = true;
    if (fault?.kind === 'garbage' && plan.stream) {
      await reply.raw(GARBAGE);
      return false;
    }
    record.state = 'failed';
    const message = fault?.error ?? DEFAULT_ERROR;
    if (fault?.kind === 'reset') {
      // A reset overtakes what the client has not read yet.
      await pause(20, gone);
      reply.destroy();
    } else if (fault?.kind === 'garbage') reply.text(200, GARBAGE, { 'content-type': 'application/json' });
    else if (fault?.kind === 'error-line' && plan.stream) reply.end({ status: 500, message });
    else if (fault?.kind === 'error-line') reply.json(500, { error: message });
    else if (plan.stream) {
      await reply.raw('');
      reply.end();
    } else reply.json(200, writer.whole());
    return true;
  }

  const load = total();
  if (world.firstToken > 0) await pause(world.firstToken, gone);
  const prompt = total() - load;
  const tick = metronome(gone);
  const evaluation = stopwatch();

  const tokens = plan.text.flatMap(world.tokenizer.encode);
  const { stop, num_predict: limit } = plan.options;
  for (const step of sample({ tokens, stop, limit, top: plan.top }, world.tokenizer)) {
    if (plan.stream || world.pace > 0 || step.count % UNSEEN === 0) await tick(world.pace);
    if (gone.aborted) return;
    if (fault && !struck && (record.generated >= strikesAfter || step.reason) && (await strike())) return;
    if (step.reason === 'stop' && plan.brokenOff) break;
    record.generated = step.count;
    const metrics = step.reason && {
      total_duration: total(),
      load_duration: load,
      prompt_eval_count: plan.promptTokens,
      prompt_eval_duration: prompt,
      eval_count: step.count,
      eval_duration: step.count > 1 ? evaluation() : undefined,
    };
    for (const line of writer.lines(step, metrics || undefined)) if (plan.stream) await reply.line(line);
  }
  world.models.load(plan.model, plan.keepAlive);
  if (plan.stream) reply.end();
  else reply.json(200, writer.whole());
}

/** Answers an error of the generation itself: in a stream it comes without a length. */
export function failure(visit: Visit, stream: boolean, error: unknown): void {
  if (!(error instanceof ApiError)) throw error;
  if (stream) visit.reply.end({ status: error.status, message: error.message });
  else visit.reply.json(error.status, { error: error.message });
}
