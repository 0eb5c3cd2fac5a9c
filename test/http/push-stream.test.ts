import { expect, test } from 'vitest';
import { type Give, pushStream } from '../../src/core/http/push-stream.js';

const silent = { onError: async () => 'failed', onLeave: async () => {} };
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

test('sends what it is given', async () => {
  async function pieces(give: Give) {
    await give('a');
    await give(Buffer.from('b'));
  }
  expect(await textOf(await pushStream(pieces, silent))).toBe('ab');
});

test('work that has nothing to say is an empty stream', async () => {
  async function pieces() {}
  expect(await textOf(await pushStream(pieces, silent))).toBe('');
});

test('what is thrown before the first piece is thrown to the caller', async () => {
  async function pieces(give: Give) {
    await give(await Promise.reject<string>(new Error('too early')));
  }
  const heartbeat = { text: '.', every: 10_000 };
  await expect(pushStream(pieces, { ...silent, heartbeat })).rejects.toThrow('too early');
});

test('what is thrown later ends the stream with last words', async () => {
  async function pieces(give: Give) {
    await give('a');
    throw new Error('broken');
  }
  const heard: unknown[] = [];
  const onError = async (error: unknown) => {
    heard.push(error);
    return 'b';
  };
  expect(await textOf(await pushStream(pieces, { ...silent, onError }))).toBe('ab');
  expect(heard).toEqual([new Error('broken')]);
});

test('silence before and between the pieces is filled with heartbeats, and no piece is lost', async () => {
  async function pieces(give: Give) {
    await wait(150);
    await give('a');
    await give('b');
    await wait(150);
    await give('c');
  }
  const text = await textOf(await pushStream(pieces, { ...silent, heartbeat: { text: '.', every: 20 } }));
  expect(text).toMatch(/^\.{2,}ab\.{2,}c$/);
});

test('no heartbeat, no answer before the first piece', async () => {
  let answered = false;
  async function pieces(give: Give) {
    await wait(100);
    expect(answered).toBe(false);
    await give('a');
  }
  const stream = await pushStream(pieces, silent);
  answered = true;
  expect(await textOf(stream)).toBe('a');
});

test('what is thrown after a heartbeat ends the stream with last words', async () => {
  async function pieces(give: Give) {
    await wait(100);
    await give(await Promise.reject<string>(new Error('broken')));
  }
  const stream = await pushStream(pieces, { ...silent, heartbeat: { text: '.', every: 20 } });
  expect(await textOf(stream)).toMatch(/^\.+failed$/);
});

test('a reader that has gone is told of at once, and leaves no timer behind', async () => {
  const before = timers();
  let left = false;
  async function pieces(give: Give) {
    await give('a');
    await new Promise(() => {});
  }
  const onLeave = async () => {
    left = true;
  };
  const stream = await pushStream(pieces, { ...silent, onLeave, heartbeat: { text: '.', every: 60_000 } });
  stream.on('data', () => {});
  await wait(10);
  expect(timers()).toBe(before + 1);
  stream.destroy();
  expect(left).toBe(true);
  expect(timers()).toBe(before);
});

test('a reader that is slow gets no heartbeats that it would have to read first', async () => {
  async function pieces(give: Give) {
    await give('a'.repeat(100_000));
    await give('b');
  }
  const stream = await pushStream(pieces, { ...silent, heartbeat: { text: '.', every: 5 } });
  await wait(60);
  expect(await textOf(stream)).toBe(`${'a'.repeat(100_000)}b`);
});
