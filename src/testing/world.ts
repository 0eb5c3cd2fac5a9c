/** What all handlers share: one simulator's state. */
import type { Faults, Locks } from './faults.js';
import { type Decoded, decodeBody, type Fields } from './go-decode.js';
import { EmptyBody, GoJsonError } from './go-json.js';
import type { Model, Models } from './models.js';
import { installedName, parseName, parseRef } from './names.js';
import type { Reply } from './reply.js';
import type { Tokenizer } from './tokens.js';
import type { SimulatedModel, SimulatedRequest } from './types.js';

export interface World {
  models: Models;
  registry: SimulatedModel[];
  /** Digests of uploaded blobs and written layers. */
  blobs: Set<string>;
  faults: Faults;
  locks: Locks;
  tokenizer: Tokenizer;
  version: string;
  pace: number;
  firstToken: number;
}

/** One request on its way. */
export interface Visit {
  world: World;
  /** Without the query. */
  path: string;
  /** The part of the path that the route leaves open. */
  rest: string;
  bytes: Buffer;
  record: SimulatedRequest;
  reply: Reply;
  /** Aborted when the client has left, and when the simulator closes. */
  gone: AbortSignal;
}

export type Handler = (visit: Visit) => void | Promise<void>;

/** An error that is answered as `{"error": …}`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** @throws {ApiError} 400, with Go's words */
export function readBody<F extends Fields>(visit: Visit, name: string, fields: F): Decoded<F> {
  try {
    return decodeBody(visit.bytes.toString('utf8'), name, fields);
  } catch (error) {
    if (error instanceof EmptyBody) throw new ApiError(400, 'missing request body');
    if (error instanceof GoJsonError) throw new ApiError(400, error.message);
    throw error;
  }
}

/**
 * The model that is to work. The simulator is its own cloud: such a model answers where it is installed.
 * @param unnamed what is answered where the request names none
 */
export function workingModel(
  visit: Visit,
  name: string | undefined,
  { unnamed, missing }: { unnamed: ApiError; missing: ApiError },
): Model {
  if (name === undefined || name.trim() === '') throw unnamed;
  const ref = parseRef(name);
  if (!ref) throw new ApiError(400, `use either :local or :cloud, not both: ${JSON.stringify(name.trim())}`);
  if (!parseName(ref.base)) throw new ApiError(400, 'invalid model name');
  return modelOf(visit, installedName(ref), missing);
}

/** @param missing what is answered where there is no such model */
export function modelOf(visit: Visit, name: string | undefined, missing: ApiError): Model {
  const model = visit.world.models.find(name ?? '');
  if (!model) throw missing;
  return model;
}
