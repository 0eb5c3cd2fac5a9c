/** Reserves for one exchange, and asks the host app whether it may go on. */
import { runHook } from '../hooks.js';
import { type Lease, NOTHING_USED } from '../limits/lease.js';
import type { ResolvedModel } from '../models.js';
import type { Services } from '../services.js';
import type { Exchange, NativeCall } from '../translate/types.js';
import type { Estimate } from '../usage/estimate.js';
import { type PromptSize, promptSize } from '../usage/prompt-size.js';
import type { Call } from './call.js';

/** One call's prompt. */
export interface Prompt extends Estimate {
  /** Undefined where Ollama reads none. */
  size?: PromptSize;
}

export interface Admitted {
  lease: Lease;
  /** As the host app has left it. */
  exchange: Exchange;
  /** Of each call. */
  prompts: Prompt[];
}

/** Tokens: a smaller context than Ollama has ever used bounds nothing. */
const LEAST_CONTEXT = 512;

/** @throws GatewayError 429 where a limit refuses; what the host app rejects with, after the hold was given back */
export async function admit(
  { leases, limits, estimator, models, beforeForward }: Services,
  { identity, route, request }: Call,
  exchange: Exchange,
  resolved: ResolvedModel,
): Promise<Admitted> {
  const gateway = route!.gateway!;
  const { load, endpoint, maxTokens, model } = exchange;

  function measure(calls: NativeCall[]): Prompt[] {
    let size: PromptSize | undefined;
    return calls.map((call, at) => {
      if (load || call.answer) return { expected: 0, held: 0 };
      // Several choices have the same prompt.
      if (!size || !isSamePrompt(call, calls[at - 1]!)) size = promptSize(call.request);
      return { ...estimator.estimate(resolved.canonical, identity.id, size, contextOf(call, size)), size };
    });
  }

  const reserve = (prompts: Prompt[]) =>
    leases.admit({
      identity,
      limits: limits.of(identity, gateway),
      gateway,
      model,
      countedAs: models.counted(resolved),
      requests: Math.max(1, exchange.calls.filter(({ answer }) => !answer).length),
      prompt: sum(prompts, ({ held }) => held),
      expected: sum(prompts, ({ expected }) => expected),
      bytes: sum(prompts, ({ size }) => size?.bytes ?? 0),
      maxTokens: maxTokens === undefined ? undefined : maxTokens * exchange.calls.length,
      generates: !load && (endpoint === '/api/chat' || endpoint === '/api/generate'),
    });

  const prompts = measure(exchange.calls);
  const lease = await reserve(prompts);
  if (!beforeForward) return { lease, exchange, prompts };

  const asking = { identity, gateway, exchange, signal: request.signal };
  const calls = await runHook(beforeForward, asking).catch(async (error: unknown) => {
    await lease.settle(NOTHING_USED);
    throw error;
  });
  const shown = { ...exchange, calls };
  const changed = measure(calls);
  if (sum(changed, ({ held }) => held) <= lease.prompt) return { lease, exchange: shown, prompts: changed };
  // The limits hold for what is sent, not for what the client wrote.
  await lease.settle(NOTHING_USED);
  return { lease: await reserve(changed), exchange: shown, prompts: changed };
}

const isSamePrompt = ({ request: one }: NativeCall, { request: other }: NativeCall) =>
  one.messages === other.messages && one.prompt === other.prompt && one.tools === other.tools;

/** The most tokens that Ollama reads of a prompt, where the request says it: longer ones are cut, or refused. */
function contextOf({ request }: NativeCall, { parts }: PromptSize): number | undefined {
  const context = request.options?.num_ctx;
  if (typeof context !== 'number' || context < 1) return undefined;
  // Each input of embeddings is cut by itself.
  return Math.max(LEAST_CONTEXT, context) * (request.input === undefined ? 1 : parts);
}

function sum<T>(items: T[], of: (item: T) => number): number {
  let all = 0;
  for (const item of items) all += of(item);
  return all;
}
