/** Managing the upstream's models, which a role must allow. */
import { pipeline, Readable, Transform } from 'node:stream';
import type { GatewayResponse } from '../contract.js';
import { parseJson, readBody } from '../http/body.js';
import { readAll } from '../http/read-all.js';
import type { Services } from '../services.js';
import { readNativeManage } from '../translate/native/manage.js';
import type { UpstreamAnswer } from '../upstream/client.js';
import type { Call, Operation } from './call.js';

type Name = 'native.manage' | 'native.blobs';

export function manageOperations(services: Services): Record<Name, Operation> {
  const { config, models, logs, upstream } = services;
  const bounds = { limit: config.server.body_limit, timeout: config.server.client_timeout };
  const root = config.api_gateways.ollama.base_path.lastIndexOf('/');

  const send = (call: Call, headers: Record<string, string>, body?: Readable | Buffer | string) =>
    upstream.send({
      method: call.request.method as 'POST',
      path: call.path.slice(root),
      headers,
      body,
      signal: call.request.signal,
    });

  /** What is told of it when it has failed is told to nobody who asked: the model came or went all the same. */
  const changed = () =>
    models.changed().catch((error: unknown) => logs.error.error({ err: error }, 'trouble in the background'));

  return {
    /** `pull`, `push`, `create`, `copy`, `delete`: rebuilt, so that the models that were checked are those that are meant. */
    async 'native.manage'(call) {
      const { names, body } = readNativeManage(parseJson(await readBody(call.request, bounds), 'ollama'));
      for (const { param, name, origin } of names) {
        models.checkManaged(call.identity, name, param, { elsewhere: origin });
      }
      const answer = await send(call, { 'content-type': 'application/json' }, JSON.stringify(body));
      return relayed(answer, tellChanges(answer.body.stream(), changed));
    },

    /** Relayed as they are, in both directions and at the pace of the slower side: they have gigabytes. */
    async 'native.blobs'(call) {
      const { method, body, headers } = call.request;
      const type = headers['content-type'];
      const own = typeof type === 'string' ? { 'content-type': type } : undefined;
      const answer = await send(call, own ?? {}, forwardable(body));
      // To the end, though there is nothing in it: left unread, it would fail, and hosts leave a HEAD's body unread.
      return relayed(answer, method === 'HEAD' ? await readAll(answer.body.stream()) : answer.body.stream());
    },
  };
}

function relayed(answer: UpstreamAnswer, body: Readable | Buffer): GatewayResponse {
  const headers: Record<string, string> = {};
  for (const name of ['content-type', 'content-length']) {
    const value = answer.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  return { status: answer.status, headers, body };
}

/** Whoever reads that it is done, by its last line or by its end, finds it done in every list. */
function tellChanges(stream: Readable, changed: () => Promise<void>): Readable {
  const told = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (chunk.includes('"success"')) void changed().then(() => done(null, chunk));
      else done(null, chunk);
    },
    flush(done) {
      void changed().then(() => done());
    },
  });
  return pipeline(stream, told, (error) => {
    // A client that left halfway: what Ollama has done until then is done.
    if (error) void changed();
  });
}

/** A host's parser may have made a value of the body. */
function forwardable(body: unknown): Readable | Buffer | string | undefined {
  if (body === undefined || body instanceof Readable || Buffer.isBuffer(body) || typeof body === 'string')
    return body;
  return JSON.stringify(body);
}
