/** The endpoints that list, make, fetch and remove models. */
import { listed, running, shown, templateOf } from './describe.js';
import { goStringify } from './go-text.js';
import { type Model, sha256, weightsOf } from './models.js';
import { installedName, parseName, parseRef } from './names.js';
import { COPY, CREATE, NAMED, SHOW } from './shapes.js';
import type { SimulatedModel } from './types.js';
import { ApiError, type Handler, modelOf, readBody, type Visit, workingModel } from './world.js';

export const version: Handler = ({ world, reply }) => reply.json(200, { version: world.version });

/** The newest first, to the second. */
export const tags: Handler = ({ world, reply }) => {
  const second = (model: Model) => Math.floor(model.modifiedAt.getTime() / 1000);
  const models = world.models.list().sort((a, b) => second(b) - second(a));
  reply.json(200, { models: models.map(listed) });
};

export const ps: Handler = ({ world, reply }) =>
  reply.json(200, { models: world.models.loaded().map(running) });

const notFound = (name: string) => new ApiError(404, `model '${name}' not found`);

export const show: Handler = (visit) => {
  const request = readBody(visit, 'ShowRequest', SHOW);
  const name = request.model || request.name || '';
  const unnamed = new ApiError(400, 'model is required');
  const model = workingModel(visit, name, { unnamed, missing: notFound(name) });
  visit.reply.json(200, shown(model, request.verbose ?? false));
};

export const copy: Handler = (visit) => {
  const { source = '', destination = '' } = readBody(visit, 'CopyRequest', COPY);
  if (!parseName(source)) throw new ApiError(400, `source ${JSON.stringify(source)} is invalid`);
  if (!parseName(destination))
    throw new ApiError(400, `destination ${JSON.stringify(destination)} is invalid`);
  const model = modelOf(visit, source, new ApiError(404, `model "${source}" not found`));
  visit.world.models.add({ ...model, name: destination });
  visit.reply.empty(200);
};

export const remove: Handler = (visit) => {
  const request = readBody(visit, 'DeleteRequest', NAMED);
  const name = request.model || request.name || '';
  if (!parseName(name)) throw new ApiError(400, `name ${JSON.stringify(name)} is invalid`);
  modelOf(visit, name, notFound(name));
  visit.world.models.remove(name);
  visit.reply.empty(200);
};

/** Progress as a stream of lines, or the last of them alone. */
async function progress(visit: Visit, stream: boolean, lines: object[], error?: string): Promise<void> {
  if (!stream) {
    if (error) throw new ApiError(500, error);
    visit.reply.json(200, lines.at(-1));
    return;
  }
  for (const line of lines) await visit.reply.line(line);
  visit.reply.end(error ? { status: 500, message: error } : undefined);
}

const status = (text: string) => ({ status: text });

/** The layers that a model's manifest names, and each one's content. */
function layersOf(model: Model): string[] {
  const texts = [
    templateOf(model),
    ...(model.system ? [model.system] : []),
    ...(Object.keys(model.parameters).length > 0 ? [goStringify(model.parameters)] : []),
  ];
  return [weightsOf(model), ...texts.map(sha256)];
}

/** The model that another is made from; one that is not there is pulled. */
function parentOf({ world }: Visit, name: string): Model | undefined {
  const pulled = inRegistry(world.registry, name);
  return world.models.find(name) ?? (pulled && world.models.add(pulled));
}

export const create: Handler = async (visit) => {
  const request = readBody(visit, 'CreateRequest', CREATE);
  const { models, blobs } = visit.world;
  const stream = request.stream ?? true;
  const name = request.model || request.name || '';
  if (!parseName(name)) throw new ApiError(400, 'invalid model name');
  const files = Object.values(request.files ?? {});
  if (!request.from && files.length === 0) {
    throw new ApiError(400, "neither 'from' or 'files' was specified");
  }
  const strange = files.find((digest) => !blobs.has(String(digest)));
  if (strange !== undefined) throw new ApiError(400, `blob ${JSON.stringify(strange)} not found`);

  const parent = request.from === undefined ? undefined : parentOf(visit, request.from);
  if (request.from && !parent) {
    await progress(visit, stream, [status('pulling manifest')], NOT_THERE);
    return;
  }
  for (const digest of parent ? layersOf(parent) : []) blobs.add(`sha256:${digest}`);
  const system = request.system ?? parent?.system;
  const size = parent && parent.size + (request.system ?? '').length;
  const parameters = { ...parent?.parameters, ...request.parameters };
  const model = models.add({ ...parent, name, system, parameters, ...(size ? { size } : {}) });
  const layers = layersOf(model).map((hex) => {
    const digest = `sha256:${hex}`;
    const known = blobs.has(digest);
    blobs.add(digest);
    return status(`${known ? 'using existing' : 'creating new'} layer ${digest}`);
  });
  const parsing = files.length > 0 ? [status('parsing GGUF')] : [];
  await progress(visit, stream, [...parsing, ...layers, status('writing manifest'), status('success')]);
};

const NOT_THERE = 'pull model manifest: file does not exist';

function inRegistry(registry: SimulatedModel[], name: string): SimulatedModel | undefined {
  const wanted = parseName(name)?.full;
  return registry.find((model) => parseName(model.name)?.full === wanted);
}

/** A simulator reaches no other machine: every registry but its own refuses. */
function refused(name: string, insecure: boolean): string | undefined {
  const parsed = parseName(name);
  if (!parsed?.host) return undefined;
  const { host, repository, tag } = parsed;
  const url = `${insecure ? 'http' : 'https'}://${host}/v2/${repository}/manifests/${tag}`;
  return `pull model manifest: Get "${url}": dial tcp ${host}: connect: connection refused`;
}

export const pull: Handler = async (visit) => {
  const request = readBody(visit, 'PullRequest', NAMED);
  const { models, registry } = visit.world;
  const stream = request.stream ?? true;
  const ref = parseRef(request.model || request.name || '');
  const name = ref ? installedName(ref) : '';
  if (!parseName(name)) throw new ApiError(400, 'invalid model name');
  const start = status('pulling manifest');
  const found = models.find(name) ?? inRegistry(registry, name);
  if (!found) {
    await progress(visit, stream, [start], refused(name, request.insecure ?? false) ?? NOT_THERE);
    return;
  }
  const model = models.add({ ...found });
  const layers = layersOf(model).flatMap((hex, index) => {
    const total = index === 0 ? model.size : 512;
    const layer = { status: `pulling ${hex.slice(0, 12)}`, digest: `sha256:${hex}`, total };
    return [
      { ...layer, completed: index === 0 ? Math.floor(total / 2) : undefined },
      { ...layer, completed: total },
    ];
  });
  const rest = ['verifying sha256 digest', 'writing manifest', 'success'].map(status);
  await progress(visit, stream, [start, ...layers, ...rest]);
};

export const push: Handler = async (visit) => {
  const request = readBody(visit, 'PushRequest', NAMED);
  const stream = request.stream ?? true;
  const name = request.model || request.name || '';
  if (name === '') throw new ApiError(400, 'model is required');
  const model = visit.world.models.find(name);
  const start = status('retrieving manifest');
  if (!model) {
    await progress(visit, stream, [start], 'file does not exist');
    return;
  }
  const layers = layersOf(model).map((hex, index) => {
    const total = index === 0 ? model.size : 512;
    return { status: `pushing ${hex.slice(0, 12)}`, digest: `sha256:${hex}`, total, completed: total };
  });
  await progress(visit, stream, [start, ...layers, status('pushing manifest'), status('success')]);
};

function digestOf(text: string): string {
  if (!/^sha256[:-][0-9a-f]{64}$/.test(text)) throw new ApiError(400, 'invalid digest format');
  return text.replace('-', ':');
}

export const hasBlob: Handler = ({ world, reply, rest }) => {
  if (!world.blobs.has(digestOf(rest))) throw new ApiError(404, `blob "${rest}" not found`);
  reply.empty(200);
};

export const addBlob: Handler = ({ world, reply, rest, bytes }) => {
  const digest = digestOf(rest);
  const known = world.blobs.has(digest);
  const actual = `sha256:${sha256(bytes)}`;
  if (!known && actual !== digest)
    throw new ApiError(400, `digest mismatch, expected "${rest}", got "${actual}"`);
  world.blobs.add(digest);
  reply.empty(known ? 200 : 201);
};

/** The simulator has no account anywhere. */
export const me: Handler = () => {
  throw new ApiError(503, 'account unavailable');
};
