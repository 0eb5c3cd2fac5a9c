/** `GET /ollama/v1/models`, the guide's own shape. */
import { readTags } from '../tags.js';

export interface GuideModel {
  /** Without `:latest`. */
  name: string;
  /** The number of parameters: `7B`. */
  size: string;
  /** UTC, in seconds: `2024-01-29T12:00:00Z`; null where unknown. */
  modified: string | null;
  details: { format: string; family: string };
}

const inSeconds = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

/** @param tags a reply of `/api/tags`, or its list of models */
export function guideModels(tags: unknown): { models: GuideModel[] } {
  const models = readTags(tags).map(({ name, parameterSize, modifiedAt, format, family }) => ({
    name: name.replace(/:latest$/, ''),
    size: parameterSize,
    modified: modifiedAt === undefined ? null : inSeconds(modifiedAt),
    details: { format, family },
  }));
  return { models };
}
