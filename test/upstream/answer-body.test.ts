import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { bodyOf, type Reader, receiving } from '../../src/core/upstream/answer-body.js';

const sender = () => ({ pause: vi.fn(), resume: vi.fn(), stop: vi.fn() });

/** What a reader is told. */
function listener() {
  const told: string[] = [];
  const reader: Reader = {
    piece: (bytes) => void told.push(bytes.toString()),
    end: (reason) => void told.push(reason ? `broken off: ${reason.message}` : 'end'),
  };
  return { told, reader };
}

describe('a body that is being received', () => {
  it.each([0, 1, 2, 3])('is given whole and in order to who takes it after %d events', (early) => {
    const body = receiving(sender());
    const { told, reader } = listener();
    const events = [() => body.piece(Buffer.from('a')), () => body.piece(Buffer.from('b')), () => body.end()];
    for (const event of events.slice(0, early)) event();
    body.read(reader);
    for (const event of events.slice(early)) event();
    expect(told).toEqual(['a', 'b', 'end']);
  });

  it.each([true, false])('ends once, with the reason for which it broke off (taken before: %s)', (before) => {
    const body = receiving(sender());
    const { told, reader } = listener();
    if (before) body.read(reader);
    body.end(new Error('reset'));
    body.end();
    if (!before) body.read(reader);
    expect(told).toEqual(['broken off: reset']);
  });

  it('holds its sender back while nobody takes it, and no longer', () => {
    const flow = sender();
    const body = receiving(flow);
    for (let i = 0; i < 3; i += 1) body.piece(Buffer.alloc(40_000));
    expect([flow.pause.mock.calls.length, flow.resume.mock.calls.length]).toEqual([1, 0]);
    body.read(listener().reader);
    expect(flow.resume).toHaveBeenCalledOnce();
    body.piece(Buffer.alloc(200_000));
    expect(flow.pause).toHaveBeenCalledOnce();
  });

  it('as a stream has the same bytes, holds its sender back, and is broken off where it is let go', async () => {
    const flow = sender();
    const body = receiving(flow);
    body.piece(Buffer.from('early '));
    const stream = body.stream();
    body.piece(Buffer.from('late'));
    body.end();
    expect((await buffer(stream)).toString()).toBe('early late');
    expect(flow.stop).not.toHaveBeenCalled();

    const other = receiving(flow);
    const unread = other.stream();
    other.piece(Buffer.alloc(200_000));
    expect(flow.pause).toHaveBeenCalled();
    unread.destroy();
    await vi.waitFor(() => expect(flow.stop).toHaveBeenCalledOnce());
  });

  it('as a stream fails for the reason for which it broke off', async () => {
    const body = receiving(sender());
    const stream = body.stream();
    body.piece(Buffer.from('half'));
    body.end(new Error('reset'));
    await expect(buffer(stream)).rejects.toThrow('reset');
  });
});

describe('a stream as a body', () => {
  it('gives its bytes, and says that it has ended', async () => {
    const { told, reader } = listener();
    bodyOf(Readable.from([Buffer.from('a'), Buffer.from('b')])).read(reader);
    await vi.waitFor(() => expect(told).toEqual(['a', 'b', 'end']));
  });

  it('says why it broke off, once, be it without a reason', async () => {
    const [broken, closed] = [listener(), listener()];
    const failing = new Readable({ read() {} });
    bodyOf(failing).read(broken.reader);
    failing.destroy(new Error('bad gzip'));
    const silent = new Readable({ read() {} });
    bodyOf(silent).read(closed.reader);
    silent.destroy();
    await vi.waitFor(() => expect([broken.told.length, closed.told.length]).toEqual([1, 1]));
    expect(broken.told).toEqual(['broken off: bad gzip']);
    expect(closed.told[0]).toMatch(/^broken off: /);
  });
});
