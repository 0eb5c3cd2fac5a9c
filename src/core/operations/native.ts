/** Ollama's own API beside generation: reading models, which is free, and managing them, which a role must allow. */
import { Readable } from 'node:stream';
import type { GatewayResponse, Identity } from '../contract.js';
import { parseJson, readBody } from '../http/body.js';
import { readAll } from '../http/read-all.js';
import type { Services } from '../services.js';
import { goJson, parseChunk, readNativeShow, streamError, upstreamError } from '../translate/index.js';
import { modelsIn } from '../translate/tags.js';
import type { UpstreamAnswer } from '../upstream/client.js';
import { type Call, jsonOf, type Operation } from './call.js';

/** An upstream's answer as it came, and read. */
interface Document {
  bytes: Buffer;
  value: Record<string, unknown>;
}

type Name = 'native.root' | 'native.version' | 'native.tags' | 'native.ps' | 'native.show' | 'native.manage';

/** What `show` tells of a model beyond what a client needs: the operator's prompts, and files of the server. */
const OPERATORS_ONLY = ['modelfile', 'system', 'messages'];

export function nativeOperations(services: Services): Record<Name, Operation> {
  const { config, models, roles, upstream } = services;
  const bounds = { limit: config.server.body_limit, timeout: config.server.client_timeout };

  async function get(call: Call, path: string): Promise<Document> {
    return read(await upstream.send({ method: 'GET', path, signal: call.request.signal }), '');
  }

  /** Ollama's bytes. */
  const relay = async (call: Call, path: string) => jsonOf((await get(call, path)).bytes);

  /** Ollama's bytes, or only the models that the role may use. */
  async function list(call: Call, path: string): Promise<GatewayResponse> {
    const { bytes, value } = await get(call, path);
    const all = modelsIn(value);
    const visible = all.filter(({ name }) => models.allowed(call.identity, 'ollama', name));
    return jsonOf(visible.length === all.length ? bytes : goJson({ ...value, models: visible }));
  }

  const manages = (identity: Identity) => roles.get(identity.role)?.manage_models ?? false;

  return {
    async 'native.root'() {
      return {
        status: 200,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: 'Ollama is running',
      };
    },

    'native.version': (call) => relay(call, '/api/version'),
    'native.tags': (call) => list(call, '/api/tags'),
    'native.ps': (call) => list(call, '/api/ps'),

    async 'native.show'(call) {
      const body = parseJson(await readBody(call.request, bounds), 'ollama');
      const { model, request } = readNativeShow(body);
      const name = models.resolve(call.identity, 'ollama', model);
      const answer = await upstream.send({
        method: 'POST',
        path: '/api/show',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...request, model: name }),
        signal: call.request.signal,
      });
      const { bytes, value } = await read(answer, model, name);
      if (manages(call.identity)) return jsonOf(bytes);
      const shown: Record<string, unknown> = { ...value };
      for (const key of OPERATORS_ONLY) delete shown[key];
      return jsonOf(goJson(shown));
    },

    /** Relayed as it is, in both directions and at the pace of the slower side: blobs have gigabytes. */
    async 'native.manage'(call) {
      const { method, body } = call.request;
      const root = config.api_gateways.ollama.base_path.lastIndexOf('/');
      const answer = await upstream.send({
        method: method as 'POST',
        path: call.path.slice(root),
        headers:
          typeof call.request.headers['content-type'] === 'string'
            ? { 'content-type': call.request.headers['content-type'] }
            : undefined,
        body: forwardable(body),
        signal: call.request.signal,
      });
      models.forget();
      const relayed = answer.body.stream().once('close', models.forget);
      const headers: Record<string, string> = {};
      for (const name of ['content-type', 'content-length']) {
        const value = answer.headers[name];
        if (typeof value === 'string') headers[name] = value;
      }
      // To the end, though there is nothing in it: left unread, it would fail, and hosts leave a HEAD's body unread.
      if (method === 'HEAD') return { status: answer.status, headers, body: await readAll(relayed) };
      return { status: answer.status, headers, body: relayed };
    },
  };
}

async function read(answer: UpstreamAnswer, model: string, upstreamModel = model): Promise<Document> {
  const bytes = await readAll(answer.body.stream());
  if (answer.status !== 200)
    throw upstreamError(answer.status, bytes.toString(), { model, upstreamModel, dialect: 'ollama' });
  const value = parseChunk(bytes);
  const error = streamError(value, { model, upstreamModel, dialect: 'ollama' });
  if (error) throw error;
  return { bytes, value };
}

/** A host's parser may have made a value of the body. */
function forwardable(body: unknown): Readable | Buffer | string | undefined {
  if (body === undefined || body instanceof Readable || Buffer.isBuffer(body) || typeof body === 'string')
    return body;
  return JSON.stringify(body);
}
