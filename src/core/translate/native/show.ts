/** `POST /api/show`. */
import type { NativeRequest } from '../types.js';
import { missingField, present, readBoolean } from '../validate.js';
import { namedModel, nativeFields, type ReadOptions } from './common.js';

export interface ShowRequest {
  /** The one name that is looked up: `model`, or `name` as older clients say. */
  model: string;
  request: NativeRequest;
}

/**
 * Reads a show request, rebuilt with `model` alone, so that what was checked is what is asked for.
 * @throws GatewayError 400
 */
export function readNativeShow(body: unknown, { defaultModel }: ReadOptions = {}): ShowRequest {
  const from = nativeFields(body);
  const model = namedModel(from, 'model') ?? namedModel(from, 'name') ?? defaultModel;
  if (model === undefined) throw missingField('model', 'model is required');
  return { model, request: { model, ...present({ verbose: readBoolean(from, 'verbose') }) } };
}
