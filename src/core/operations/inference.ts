/** Everything that a model works for: read, resolve the model, reserve, generate. The same for every dialect. */
import type { GatewayResponse } from '../contract.js';
import { createGeneration } from '../generation.js';
import { parseJson, readBody } from '../http/body.js';
import type { ResolvedModel } from '../models.js';
import type { Services } from '../services.js';
import { countOf } from '../translate/chunk.js';
import {
  readChatCompletion,
  readCompletion,
  readEmbeddings,
  readGuideChat,
  readGuideGenerate,
  readNativeChat,
  readNativeEmbed,
  readNativeEmbeddings,
  readNativeGenerate,
  readResponse,
} from '../translate/index.js';
import type { Exchange, NativeChunk } from '../translate/types.js';
import type { Seen } from '../usage/learned.js';
import { createMeter } from '../usage/meter.js';
import { admit, type Prompt } from './admission.js';
import { type Call, jsonOf, type Operation } from './call.js';
import { withModelOptions, withoutSilentCut } from './model-options.js';
import { recordUsage } from './record-usage.js';
import { boundByRole } from './role-bounds.js';

type Reader = (body: unknown, options: { defaultModel?: string }) => Exchange;

const READERS = {
  'guide.generate': readGuideGenerate,
  'guide.chat': readGuideChat,
  'native.generate': readNativeGenerate,
  'native.chat': readNativeChat,
  'native.embed': readNativeEmbed,
  'native.embeddings': readNativeEmbeddings,
  'openai.chat': readChatCompletion,
  'openai.completions': readCompletion,
  'openai.embeddings': readEmbeddings,
  'openai.responses': readResponse,
} satisfies Record<string, Reader>;

interface Prepared {
  exchange: Exchange;
  model: ResolvedModel;
}

export function inferenceOperations(services: Services): Record<keyof typeof READERS, Operation> {
  const operations = Object.entries(READERS).map(([name, read]) => [name, inference(services, read)]);
  return Object.fromEntries(operations) as Record<keyof typeof READERS, Operation>;
}

function inference(services: Services, readExchange: Reader): Operation {
  const { config, models, roles, estimator, upstream } = services;
  const bounds = { limit: config.server.body_limit, timeout: config.server.client_timeout };
  const { max_num_ctx: maxContext, keep_alive_max: maxKeepAlive } = config.api_gateways.ollama;
  const roleBounds = { maxContext, maxKeepAlive };

  /** The request as native work, within what the role and the operator allow. */
  function prepare({ identity, route, dialect }: Call, body: unknown): Prepared {
    const gateway = route!.gateway!;
    const read = readExchange(body, { defaultModel: models.defaultModel(gateway) });
    const model = models.resolve(identity, gateway, read.model);
    const manages = roles.get(identity.role)?.manage_models;
    const allowed = manages ? read : boundByRole(read, roleBounds);
    const exchange = withModelOptions(allowed, models.options(gateway, model));
    return { model, exchange: dialect === 'openai' ? withoutSilentCut(exchange) : exchange };
  }

  return async (call) => {
    const gateway = call.route!.gateway!;
    const body = parseJson(await readBody(call.request, bounds), call.dialect);
    const { exchange: asked, model } = prepare(call, body);
    const { lease, exchange, prompts } = await admit(services, call, asked, model);
    const user = call.identity.id;

    const generation = createGeneration({
      exchange,
      context: {
        model: exchange.model,
        renamed: model.upstream !== exchange.model,
        created: Math.floor(Date.now() / 1_000),
      },
      dialect: call.dialect,
      model,
      lease,
      meter: createMeter({
        held: prompts.reduce((all, { held }) => all + held, 0),
        // Not estimated anew: the estimator learns meanwhile.
        estimateOf: (one) => prompts[exchange.calls.indexOf(one)] ?? NO_PROMPT,
        evaluated: (expected, elapsed) => estimator.evaluated(model.canonical, user, expected, elapsed),
        observe(one, chunk, tokens) {
          const prompt = prompts[exchange.calls.indexOf(one)];
          // With a template of its own a prompt tells nothing of the model's.
          if (!prompt?.size || one.request.template) return;
          services.metrics.estimated(prompt.expected, tokens);
          estimator.observe(model.canonical, user, prompt.size, seenIn(chunk, tokens));
        },
      }),
      upstream,
      signal: call.request.signal,
      heartbeatEvery: config.server.heartbeat * 1_000,
      onFirstByte() {
        models.answered(model.canonical);
        estimator.answered(model.canonical);
        services.metrics.firstToken(gateway, (performance.now() - call.startedAt) / 1_000);
      },
      countsFailure: () => services.failures.note(user),
      onSettled: (settled) => recordUsage(services, call, { ...settled, gateway, model }),
      onBroken(failure) {
        call.failure = failure;
      },
    });

    const answer = await (exchange.stream && !exchange.load
      ? streamed(generation.stream())
      : whole(generation.whole()));
    Object.assign(answer.headers, lease.headers());
    if (exchange.warning !== undefined) answer.headers.warning = exchange.warning;
    return answer;
  };
}

const NO_PROMPT: Prompt = { expected: 0, held: 0 };

/** Ollama's durations are in nanoseconds. */
function seenIn(chunk: NativeChunk, tokens: number): Seen {
  return {
    tokens,
    cached: countOf(chunk.prompt_eval_cached_count),
    evaluating: millisecondsIn(chunk.prompt_eval_duration),
    loading: millisecondsIn(chunk.load_duration),
  };
}

function millisecondsIn(duration: unknown): number | undefined {
  const nanoseconds = countOf(duration);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}

async function whole(value: Promise<unknown>): Promise<GatewayResponse> {
  return jsonOf(await value);
}

async function streamed(
  stream: Promise<{ headers: Record<string, string>; body: GatewayResponse['body'] }>,
): Promise<GatewayResponse> {
  const { headers, body } = await stream;
  return { status: 200, headers: { ...headers }, body };
}
