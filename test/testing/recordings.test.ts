import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODELS, type Simulator, startSimulator } from '../../src/testing/index.js';
import { post, send } from './http.js';

interface Recording {
  name: string;
  request: { method: string; path: string; headers: Record<string, string>; body: string | null };
  response: { status: number; headers: Record<string, string>; body: string };
}

const directory = new URL('../recordings/', import.meta.url);
const recordings: Recording[] = readdirSync(directory)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(new URL(file, directory), 'utf8')));

/** Why a recording is not compared. */
const leftOut = ({ request }: Recording): string | undefined =>
  request.path.startsWith('/v1/') ? "Ollama's own /v1, which the simulator does not have" : undefined;

const isEmbedding = ({ request, response }: Recording) =>
  request.path.startsWith('/api/embed') && response.status === 200;

/** What differs from run to run is blanked; the rest is compared byte for byte. */
function steady(body: string): string {
  return body
    .replace(/"(created_at|modified_at|expires_at)":"[^"]*"/g, '"$1":""')
    .replace(/"(\w+_duration)":\d+/g, '"$1":0')
    .replace(/"id":"call_[a-z0-9]{8}"/g, '"id":"call_"')
    .replace(/"digest":"[0-9a-f]{64}"/g, '"digest":""')
    .replace(/sha256([:-])[0-9a-f]{64}/g, 'sha256$1');
}

/** Models first made by a recording: their size depends on how the real one keeps its layers. */
const withoutMadeSize = (body: string): string =>
  body.replace(/("name":"tiny-made:latest".*?"size":)\d+/, '$10');

/** State that a recording finds. */
async function prepare(url: string, name: string): Promise<void> {
  if (name === 'delete.native') await post(url, '/api/copy', { source: 'tiny', destination: 'tiny-copy' });
  if (name === 'create.native' || name === 'tags.native' || name === 'tags-head.native') {
    await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000)));
    await post(url, '/api/create', { model: 'tiny-made', from: 'tiny', system: 'You are a pirate.' });
  }
  if (name === 'ps.native') {
    await post(url, '/api/generate', { model: 'tiny', prompt: '' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await post(url, '/api/embed', { model: 'tiny-embed', input: 'a' });
  }
}

let simulator: Simulator;
beforeAll(async () => {
  const models = DEFAULT_MODELS.filter(({ name }) => name.startsWith('tiny'));
  simulator = await startSimulator({ models, version: '0.0.0' });
});
afterAll(() => simulator.close());

async function replay(recording: Recording) {
  const fresh = ['create.native', 'tags.native', 'tags-head.native', 'ps.native'].includes(recording.name);
  const models = DEFAULT_MODELS.filter(({ name }) => name.startsWith('tiny'));
  const target = fresh ? await startSimulator({ models, version: '0.0.0' }) : simulator;
  try {
    await prepare(target.url, recording.name);
    return await send(target.url, recording.request);
  } finally {
    if (fresh) await target.close();
  }
}

describe('answers like the real Ollama', () => {
  const compared = recordings.filter((recording) => !leftOut(recording));

  it('is compared with all native recordings', () => {
    expect(compared.length).toBe(recordings.filter(({ request }) => !request.path.startsWith('/v1/')).length);
    expect(compared.length).toBeGreaterThan(110);
  });

  it.each(compared.filter((each) => !isEmbedding(each)).map((each) => [each.name, each] as const))(
    '%s',
    async (name, recording) => {
      const answer = await replay(recording);
      const { response } = recording;
      expect(steady(withoutMadeSize(answer.body))).toBe(steady(withoutMadeSize(response.body)));
      expect(answer.status).toBe(response.status);
      expect(answer.headers['content-type']).toBe(response.headers['content-type']);
      expect(answer.headers['transfer-encoding']).toBe(response.headers['transfer-encoding']);
      expect(answer.headers.allow).toBe(response.headers.allow);
      // Timestamps and durations have more or fewer digits from run to run.
      if (
        response.headers['content-length'] &&
        steady(response.body) === response.body &&
        name !== 'tags-head.native'
      ) {
        expect(answer.headers['content-length']).toBe(response.headers['content-length']);
      }
    },
  );

  it.each(compared.filter(isEmbedding).map((each) => [each.name, each] as const))(
    '%s, but for the numbers',
    async (_, recording) => {
      const answer = await replay(recording);
      const shape = (body: string) => steady(body).replace(/-?\d+\.\d+(e-\d+)?/g, 'x');
      expect(shape(answer.body)).toBe(shape(recording.response.body));
      expect(answer.headers['content-type']).toBe(recording.response.headers['content-type']);
    },
  );
});
