import { createInterface } from 'node:readline/promises';
import type { Invocation } from './command.js';
import { UsageError } from './errors.js';

/**
 * Asks on a terminal, unless `--yes` is given.
 * @throws UsageError where nobody can be asked; Error where the answer is no
 */
export async function confirm({ flags }: Invocation, question: string): Promise<void> {
  if (flags.has('yes')) return;
  if (!process.stdin.isTTY) throw new UsageError(`${question} There is no terminal to ask on: give --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new Error('Nothing was changed.');
  } finally {
    terminal.close();
  }
}
