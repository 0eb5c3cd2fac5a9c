/** `POST /api/embed` and the older `POST /api/embeddings`. */
import { pause, stopwatch } from './clock.js';
import { float32, normalise, vectorOf } from './embed.js';
import { contextOf, optionsOf, standInLine } from './generation.js';
import type { Model } from './models.js';
import { EMBED, EMBEDDINGS } from './shapes.js';
import { ApiError, type Handler, readBody, type Visit, workingModel } from './world.js';

function inputsOf(input: unknown): string[] {
  if (input === undefined || input === '') return [];
  if (typeof input === 'string') return [input];
  const texts = Array.isArray(input) ? input : [null];
  if (!texts.every((text) => typeof text === 'string')) throw new ApiError(400, 'invalid input type');
  return texts;
}

const missing = (name = '') => new ApiError(404, `model "${name}" not found, try pulling it first`);

async function evaluate(visit: Visit, model: Model): Promise<void> {
  await standInLine(visit, model);
  if (visit.world.firstToken > 0) await pause(visit.world.firstToken, visit.gone);
}

export const embed: Handler = async (visit) => {
  const request = readBody(visit, 'EmbedRequest', EMBED);
  const total = stopwatch();
  const inputs = inputsOf(request.input);
  const model = workingModel(visit, request.model, {
    unnamed: new ApiError(404, `model '${request.model ?? ''}' not found`),
    missing: missing(request.model),
  });
  const options = optionsOf(model, request.options);
  visit.world.models.load(model, request.keep_alive);
  const load = total();
  if (inputs.length === 0) {
    visit.reply.json(200, { model: request.model, embeddings: [] });
    return;
  }
  await evaluate(visit, model);
  if (visit.gone.aborted) return;

  // Ollama keeps two places for the tokens that begin and end a text, though this vocabulary has none.
  const room = contextOf(model, options) - 2;
  const tokens = inputs.map((text) => visit.world.tokenizer.encode(text));
  if (tokens.some((each) => each.length === 0)) {
    throw new ApiError(500, 'Failed to create new sequence: no input provided');
  }
  if (request.truncate === false && tokens.some((each) => each.length > room)) {
    throw new ApiError(400, 'the input length exceeds the context length');
  }
  const kept = tokens.map((each) => each.slice(0, room));
  const { dimensions = 0 } = request;
  const embeddings = kept.map((each) => {
    const vector = normalise(vectorOf(each, model.embeddingLength));
    const short =
      dimensions > 0 && dimensions < vector.length ? normalise(vector.subarray(0, dimensions)) : vector;
    return Array.from(short, float32);
  });
  visit.reply.json(200, {
    model: request.model,
    embeddings,
    total_duration: total(),
    load_duration: load,
    prompt_eval_count: kept.reduce((sum, each) => sum + each.length, 0),
  });
};

export const embeddings: Handler = async (visit) => {
  const request = readBody(visit, 'EmbeddingRequest', EMBEDDINGS);
  const model = workingModel(visit, request.model, {
    unnamed: new ApiError(400, 'model is required'),
    missing: missing(request.model),
  });
  optionsOf(model, request.options);
  visit.world.models.load(model, request.keep_alive);
  if ((request.prompt ?? '') === '') {
    visit.reply.json(200, { embedding: [] });
    return;
  }
  await evaluate(visit, model);
  if (visit.gone.aborted) return;
  const tokens = visit.world.tokenizer.encode(request.prompt ?? '');
  visit.reply.json(200, { embedding: Array.from(vectorOf(tokens, model.embeddingLength)) });
};
