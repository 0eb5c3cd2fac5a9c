/** Whether an Ollama answers: the cheapest thing to ask it. */
import type { Config } from '../config.js';
import { GatewayError } from '../errors.js';
import { readAll } from '../http/read-all.js';
import { createUpstream, type Upstream } from './client.js';

export interface UpstreamVersion {
  version: string;
  /** Its clock, in milliseconds since 1970 and to the second; undefined where it does not say. */
  clock: number | undefined;
}

/** Milliseconds it has to say its version. */
const DEADLINE = 3_000;

/** @throws Error where it does not answer, or not as Ollama does */
export async function upstreamVersion(upstream: Pick<Upstream, 'send'>): Promise<UpstreamVersion> {
  const answer = await upstream.send({
    method: 'GET',
    path: '/api/version',
    signal: AbortSignal.timeout(DEADLINE),
  });
  const text = (await readAll(answer.body.stream())).toString();
  if (answer.status !== 200) throw new GatewayError('upstream_error');
  const { version } = JSON.parse(text) as { version?: unknown };
  const clock = Date.parse(String(answer.headers.date ?? ''));
  return { version: String(version ?? 'unknown'), clock: Number.isNaN(clock) ? undefined : clock };
}

/** The same without a gateway, on a connection of its own. */
export async function askUpstream({ api_gateways: { ollama } }: Config): Promise<UpstreamVersion> {
  const upstream = createUpstream({
    origin: `${ollama.host}:${ollama.port}`,
    connectTimeout: ollama.connect_timeout,
    firstByteTimeout: ollama.first_byte_timeout,
  });
  try {
    return await upstreamVersion(upstream);
  } finally {
    await upstream.close();
  }
}
