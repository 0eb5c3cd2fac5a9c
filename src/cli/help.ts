import sade from 'sade';
import { COMMANDS, nameOf } from './commands.js';

export const BIN = 'parallama-cli';

/**
 * Prints the help of everything, of a group such as `user`, or of one command.
 *
 * Sade writes the help and no more: its own reading of a command line makes numbers of names, takes the word after
 * a flag for its value, and exits with 1 where usage errors are 2.
 */
export function printHelp(about: string): void {
  const shown = COMMANDS.filter((command) => `${nameOf(command)} `.startsWith(about && `${about} `));
  const program = sade(BIN);
  for (const command of shown) {
    program.command(command.usage, command.describe);
    for (const [name, description] of Object.entries(command.options))
      program.option(`--${name}`, description);
    for (const example of command.examples ?? []) program.example(example);
  }
  program.help(shown.some((command) => nameOf(command) === about) ? about : undefined);
}
