/** Ollama's own API beside generation, as far as it reads models: that is free. */
import type { GatewayResponse, Identity } from '../contract.js';
import { parseJson, readBody } from '../http/body.js';
import { readAll } from '../http/read-all.js';
import type { Services } from '../services.js';
import { goJson, parseChunk, readNativeShow, streamError, upstreamError } from '../translate/index.js';
import { withoutOperators, withoutOrigin } from '../translate/native/origins.js';
import { modelsIn } from '../translate/tags.js';
import type { UpstreamAnswer } from '../upstream/client.js';
import { type Call, jsonOf, type Operation } from './call.js';

/** An upstream's answer as it came, and read. */
interface Document {
  bytes: Buffer;
  value: Record<string, unknown>;
}

type Name = 'native.root' | 'native.version' | 'native.tags' | 'native.ps' | 'native.show';

export function nativeOperations(services: Services): Record<Name, Operation> {
  const { config, models, roles, upstream } = services;
  const bounds = { limit: config.server.body_limit, timeout: config.server.client_timeout };

  async function get(call: Call, path: string): Promise<Document> {
    return read(await upstream.send({ method: 'GET', path, signal: call.request.signal }), '');
  }

  /** Ollama's bytes. */
  const relay = async (call: Call, path: string) => jsonOf((await get(call, path)).bytes);

  /** Ollama's bytes, or only the models that the role may use, and of them what is not the operator's alone. */
  async function list(call: Call, path: string): Promise<GatewayResponse> {
    const { bytes, value } = await get(call, path);
    const all = modelsIn(value);
    const visible = all.filter(({ name }) => models.allowed(call.identity, 'ollama', name));
    const shown = manages(call.identity) ? visible : visible.map(withoutOrigin);
    const same = shown.length === all.length && shown.every((model, i) => model === all[i]);
    return jsonOf(same ? bytes : goJson({ ...value, models: shown }));
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
      const { model, request } = readNativeShow(body, { defaultModel: models.defaultModel('ollama') });
      const name = models.resolve(call.identity, 'ollama', model).upstream;
      const all = manages(call.identity);
      const answer = await upstream.send({
        method: 'POST',
        path: '/api/show',
        headers: { 'content-type': 'application/json' },
        // The whole vocabulary and all tensors have megabytes, which nobody but an operator needs.
        body: JSON.stringify(all ? { ...request, model: name } : { model: name }),
        signal: call.request.signal,
      });
      const { bytes, value } = await read(answer, model, name);
      return jsonOf(all ? bytes : goJson(withoutOperators(value)));
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
