import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askPassword } from '../../src/cli/password.js';

function terminal() {
  const input = new PassThrough();
  const output = new PassThrough();
  const pieces: Buffer[] = [];
  output.on('data', (piece: Buffer) => pieces.push(piece));
  return { input, output, shown: () => Buffer.concat(pieces).toString() };
}

test('asks twice and shows nothing of what is typed', async () => {
  const { input, output, shown } = terminal();
  const answer = askPassword(input, output);
  // All at once, as pasted: nothing may be lost between the questions.
  input.write('grüße 123\rgrüße 123\r');
  expect(await answer).toBe('grüße 123');
  expect(shown()).toBe('Password: \nAgain: \n');
});

test('asks again where the two differ', async () => {
  const { input, output, shown } = terminal();
  const answer = askPassword(input, output);
  input.write('first 123\rother 123\rthird 12\u007f23\rthird 123\r');
  expect(await answer).toBe('third 123');
  expect(shown()).toBe('Password: \nAgain: \nThese were two different passwords.\nPassword: \nAgain: \n');
});

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s leaves', async (_, key) => {
  const { input, output } = terminal();
  const answer = askPassword(input, output);
  input.write(key);
  await expect(answer).rejects.toThrow('No password given.');
});
