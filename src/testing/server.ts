/** The simulator itself: a server, its state, and a record of what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createFaults, createLocks } from './faults.js';
import { admits } from './gate.js';
import { createModels, DEFAULT_MODELS, DEFAULT_REGISTRY } from './models.js';
import { createReply } from './reply.js';
import { find } from './routes.js';
import { struck } from './strikes.js';
import { createTokenizer } from './tokens.js';
import type { SimulatedRequest, Simulator, SimulatorOptions } from './types.js';
import { ApiError, type Visit, type World } from './world.js';

/** Requests that are remembered. */
const REMEMBERED = 5000;

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function modelIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const entry = Object.entries(body).findLast(([key]) => key.toLowerCase() === 'model');
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

async function serve(visit: Visit, method: string): Promise<void> {
  const { path, record, reply, gone } = visit;
  try {
    if (await struck(visit, modelIn(record.body))) return;
    if (gone.aborted) return;
    const route = find(method, path);
    if (!route) reply.text(404, '404 page not found');
    else if ('allow' in route) reply.text(405, '405 method not allowed', { allow: route.allow });
    else await route.handler({ ...visit, rest: route.rest });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    reply.json(error.status, { error: error.message });
  }
}

/**
 * Starts a server that answers like Ollama 0.24, with models that know a few dialogs by heart.
 *
 * @example
 * const ollama = await startSimulator({ pace: 5 });
 * const answer = await fetch(`${ollama.url}/api/chat`, {
 *   method: 'POST',
 *   body: JSON.stringify({ model: 'llama2', messages: [{ role: 'user', content: 'Count from 1 to 60' }] }),
 * });
 * const takeBack = ollama.fail({ kind: 'reset', afterTokens: 5 });
 * await ollama.close();
 *
 * @throws where the port is taken, or a model's name is none
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0 } = options;
  const world: World = {
    models: createModels(options.models ?? DEFAULT_MODELS),
    registry: options.registry ?? DEFAULT_REGISTRY,
    blobs: new Set(),
    faults: createFaults(),
    locks: createLocks(),
    tokenizer: createTokenizer(),
    version: options.version ?? '0.24.0',
    pace: options.pace ?? 0,
    firstToken: options.firstToken ?? 0,
  };
  const requests: SimulatedRequest[] = [];
  const running = new Map<SimulatedRequest, AbortController>();

  function left(record: SimulatedRequest, path: string): void {
    record.state = 'aborted';
    record.abortedAt = Date.now();
    const model = modelIn(record.body);
    const stream = record.generated > 0 && model !== undefined && world.models.find(model);
    if (!stream || !world.faults.take(['lock'], path, model)) return;
    world.locks.lock(model);
    world.models.hold(stream);
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const path = url.split('?')[0]!;
    const gone = new AbortController();
    const record: SimulatedRequest = {
      method,
      path: url,
      headers,
      body: undefined,
      state: 'running',
      generated: 0,
      startedAt: Date.now(),
    };
    requests.push(record);
    if (requests.length > REMEMBERED) requests.splice(0, requests.length - REMEMBERED);
    running.set(record, gone);
    const ended = () => {
      running.delete(record);
      record.endedAt ??= Date.now();
      if (record.state === 'running' && response.writableEnded) record.state = 'done';
    };
    response.once('close', () => {
      ended();
      if (record.state === 'running') left(record, path);
      if (!response.writableFinished) gone.abort();
    });

    const reply = createReply(response, method);
    if (!admits(headers.host, headers.origin)) {
      reply.empty(403);
      return;
    }
    const bytes = await bytesOf(request);
    record.body = parsed(bytes);
    await serve({ world, path, rest: '', bytes, record, reply, gone: gone.signal }, method);
    // A client that has its answer finds the request done, though the socket has not said so yet.
    if (response.writableEnded) ended();
  }

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else createReply(response, 'POST').json(500, { error: `The simulator failed: ${error}` });
    });
  });
  // Go keeps idle connections; a server that closes them races with the client's next request.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;

  return {
    url: `http://${shownHost}:${address.port}`,
    port: address.port,
    requests,
    get pace() {
      return world.pace;
    },
    set pace(milliseconds) {
      world.pace = milliseconds;
    },
    get firstToken() {
      return world.firstToken;
    },
    set firstToken(milliseconds) {
      world.firstToken = milliseconds;
    },
    fail: (fault) => world.faults.arm(fault),
    models: {
      list: () => world.models.list(),
      add: (model) => {
        world.models.add(model);
      },
      remove: (name) => world.models.remove(name),
    },
    close() {
      for (const [record, gone] of running) {
        record.state = 'failed';
        gone.abort();
      }
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
