/** `GET /openai/v1/models` and `/models/{id}`. */
import { modelOwner, normaliseModel, sameModel } from '../model-name.js';
import { type NativeTag, readTags } from '../tags.js';

export interface OpenAIModel {
  id: string;
  object: 'model';
  /** Seconds since 1970. */
  created: number;
  owned_by: string;
}

export interface ModelSources {
  /** A reply of `/api/tags`, or its list of models. */
  tags: unknown;
  /** Our names for models of the upstream: `{ 'gpt-4': 'llama2:70b' }`. */
  mappings: Record<string, string>;
  /** Seconds since 1970, for models of which the upstream gives no date. */
  created: number;
}

/** Names that no model can have are those of mappings, and stand as they are. */
const keyOf = (name: string): string => normaliseModel(name) ?? name;

const byName = (tags: unknown): Map<string, NativeTag> =>
  new Map(readTags(tags).map((tag) => [keyOf(tag.name), tag]));

/** What a mapping's name stands for, in any spelling of it. */
function targetOf(id: string, mappings: Record<string, string>): string | undefined {
  if (Object.hasOwn(mappings, id)) return mappings[id];
  const alias = Object.keys(mappings).find((name) => sameModel(name, id));
  return alias === undefined ? undefined : mappings[alias];
}

/** Every name there is: the mapping's, then the upstream's. */
export function modelNames({ tags, mappings }: Pick<ModelSources, 'tags' | 'mappings'>): string[] {
  return [...Object.keys(mappings), ...readTags(tags).map((tag) => tag.name)];
}

function describe(id: string, sources: ModelSources, upstream: Map<string, NativeTag>): OpenAIModel {
  const target = targetOf(id, sources.mappings);
  const modifiedAt = upstream.get(keyOf(target ?? id))?.modifiedAt;
  return {
    id,
    object: 'model',
    created: modifiedAt === undefined ? sources.created : Math.floor(modifiedAt / 1000),
    owned_by: target === undefined ? modelOwner(id) : 'parallama',
  };
}

/**
 * The list of `names`, each model once: of two names for the same one (`llama2`, `llama2:latest`) the first.
 * `names` are those that the caller may use, out of {@link modelNames}; all of them where absent.
 */
export function openaiModels(sources: ModelSources & { names?: string[] }): {
  object: 'list';
  data: OpenAIModel[];
} {
  const { names = modelNames(sources) } = sources;
  const upstream = byName(sources.tags);
  const seen = new Set<string>();
  const data = names.filter((name) => {
    const canonical = keyOf(name);
    if (seen.has(canonical)) return false;
    seen.add(canonical);
    return true;
  });
  return { object: 'list', data: data.map((name) => describe(name, sources, upstream)) };
}

/** One model under the name that it was asked for; undefined where neither the mapping nor the upstream has it. */
export function openaiModel(id: string, sources: ModelSources): OpenAIModel | undefined {
  const upstream = byName(sources.tags);
  if (targetOf(id, sources.mappings) === undefined && !upstream.has(keyOf(id))) return undefined;
  return describe(id, sources, upstream);
}
