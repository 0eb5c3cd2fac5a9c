import { describe, expect, it, vi } from 'vitest';
import { receiving } from '../../src/core/upstream/answer-body.js';
import { type Received, readNative, type Taker } from '../../src/core/upstream/native-stream.js';

const CONTEXT = { model: 'm', upstreamModel: 'm', dialect: 'ollama', endpoint: '/api/chat' } as const;
const line = (response: string) => Buffer.from(`${JSON.stringify({ response })}\n`);
const textOf = (received: Received[]) => received.map(({ chunk }) => chunk.response).join('');

/** A body that is read by `take`, and who sends it. */
function reading(take: Taker) {
  const flow = { pause: vi.fn(), resume: vi.fn(), stop: vi.fn() };
  const body = receiving(flow);
  return { flow, body, done: readNative(body, CONTEXT, take) };
}

describe('a native answer', () => {
  it('is taken as it comes, what came together together', async () => {
    const taken: string[] = [];
    const { body, done, flow } = reading((received) => taken.push(textOf(received)) > 0);
    body.piece(Buffer.concat([line('a'), line('b'), line('c').subarray(0, 5)]));
    expect(taken).toEqual(['ab']);
    body.piece(line('c').subarray(5));
    body.end();
    await done;
    expect(taken).toEqual(['ab', 'c']);
    expect(flow.stop).toHaveBeenCalledOnce();
  });

  it('waits for who has only promised to want more, and holds its sender back meanwhile', async () => {
    const taken: string[] = [];
    const promises: ((wanted: boolean) => void)[] = [];
    const { body, done, flow } = reading((received) => {
      taken.push(textOf(received));
      return new Promise((resolve) => promises.push(resolve));
    });
    body.piece(line('a'));
    body.piece(line('b'));
    expect([taken, flow.pause.mock.calls.length]).toEqual([['a'], 0]);
    body.piece(line('x'.repeat(70_000)));
    expect(flow.pause).toHaveBeenCalledOnce();
    body.end();
    promises[0]!(true);
    await vi.waitFor(() => expect(taken).toHaveLength(2));
    expect(taken[1]).toBe(`b${'x'.repeat(70_000)}`);
    promises[1]!(true);
    await done;
    expect(flow.resume).toHaveBeenCalledOnce();
  });

  it.each(['at once', 'after a while'])('ends its connection where no more is wanted %s', async (when) => {
    const take = vi.fn(() => (when === 'at once' ? false : Promise.resolve(false)));
    const { body, done, flow } = reading(take);
    body.piece(line('a'));
    await done;
    expect(flow.stop).toHaveBeenCalledOnce();
    body.piece(line('b'));
    expect(take).toHaveBeenCalledOnce();
  });

  it.each([
    [
      'a line that says so',
      (body: ReturnType<typeof receiving>) => body.piece(Buffer.from('{"error":"boom"}\n')),
    ],
    ['a line that is no JSON', (body: ReturnType<typeof receiving>) => body.piece(Buffer.from('boom\n'))],
    ['a connection that breaks off', (body: ReturnType<typeof receiving>) => body.end(new Error('boom'))],
  ])('fails with %s, after all that came before was taken', async (_, breakOff) => {
    const taken: string[] = [];
    let goOn: (wanted: boolean) => void = () => undefined;
    const { body, done, flow } = reading((received) => {
      taken.push(textOf(received));
      return new Promise((resolve) => {
        goOn = resolve;
      });
    });
    const failed = vi.fn();
    done.catch(failed);
    body.piece(line('a'));
    body.piece(line('b'));
    breakOff(body);
    goOn(true);
    await vi.waitFor(() => expect(taken).toEqual(['a', 'b']));
    expect(failed).not.toHaveBeenCalled();
    goOn(true);
    await expect(done).rejects.toThrow();
    expect(flow.stop).toHaveBeenCalledOnce();
  });

  it.each(['throws', 'rejects'])('fails where the taker %s', async (how) => {
    const trouble = new Error('no room');
    const { body, done, flow } = reading(() => {
      if (how === 'throws') throw trouble;
      return Promise.reject(trouble);
    });
    body.piece(line('a'));
    await expect(done).rejects.toBe(trouble);
    expect(flow.stop).toHaveBeenCalledOnce();
  });

  it('that was over before anybody read it is taken whole', async () => {
    const flow = { pause: vi.fn(), resume: vi.fn(), stop: vi.fn() };
    const body = receiving(flow);
    body.piece(line('a'));
    body.piece(Buffer.from('{"response":"b"}'));
    body.end();
    const taken: string[] = [];
    await readNative(body, CONTEXT, (received) => taken.push(textOf(received)) > 0);
    expect(taken).toEqual(['a', 'b']);
    expect(flow.stop).toHaveBeenCalledOnce();
  });
});
