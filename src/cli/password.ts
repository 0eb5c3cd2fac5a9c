/** Where a new user's password comes from. Never from the command line, which other users of the machine can read. */
import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { randomText } from '../core/auth/credential.js';
import type { Invocation } from './command.js';

/** 24 letters and digits: 142 bits. */
const GENERATED_LENGTH = 24;

/** Read with `--password-stdin`, asked for on a terminal, else generated. */
export async function choosePassword({
  flags,
}: Invocation): Promise<{ password: string; generated: boolean }> {
  const { stdin, stderr } = process;
  if (flags.has('password-stdin')) return { password: await readPassword(stdin), generated: false };
  if (stdin.isTTY) return { password: await askPassword(stdin, stderr), generated: false };
  return { password: randomText(GENERATED_LENGTH), generated: true };
}

/** Everything up to the end, without the line feed that `echo` puts there. */
export async function readPassword(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
  if (password === '') throw new Error('Standard input has no password.');
  return password;
}

/** Asks until the same is typed twice, without showing it. */
export async function askPassword(input: Readable, output: Writable): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  // Its iterator keeps what is typed or pasted ahead of the question; Ctrl-C and Ctrl-D end it.
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string) => {
    output.write(question);
    const line = await lines.next();
    output.write('\n');
    if (line.done) throw new Error('No password given.');
    return line.value;
  };
  try {
    for (;;) {
      const password = await ask('Password: ');
      if (password === (await ask('Again: '))) return password;
      output.write('These were two different passwords.\n');
    }
  } finally {
    terminal.close();
  }
}
