/** Ollama's list of models, `/api/tags`, as far as our lists read it. */
import { isObject } from './validate.js';

export interface NativeTag {
  /** With its tag: `llama2:latest`. */
  name: string;
  /** Milliseconds since 1970; undefined where the server gave no date. */
  modifiedAt: number | undefined;
  /** `7B`; empty where unknown. */
  parameterSize: string;
  format: string;
  family: string;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** An entry of `/api/tags` or `/api/ps`, as it came. */
export interface ListedModel {
  name: string;
  [key: string]: unknown;
}

/** The entries of a reply of `/api/tags` or `/api/ps` as they came; what has no name is left out. */
export function modelsIn(reply: unknown): ListedModel[] {
  const models = isObject(reply) ? reply.models : undefined;
  if (!Array.isArray(models)) return [];
  return models.filter((model) => isObject(model) && typeof model.name === 'string');
}

/** The models in a reply of `/api/tags`, or in its list; anything that is not one is left out. */
export function readTags(tags: unknown): NativeTag[] {
  const models = isObject(tags) ? tags.models : tags;
  if (!Array.isArray(models)) return [];
  return models.filter(isObject).flatMap((model) => {
    const name = text(model.model) || text(model.name);
    if (name === '') return [];
    const details = isObject(model.details) ? model.details : {};
    const modified = Date.parse(text(model.modified_at));
    return {
      name,
      modifiedAt: Number.isNaN(modified) ? undefined : modified,
      parameterSize: text(details.parameter_size),
      format: text(details.format),
      family: text(details.family),
    };
  });
}
