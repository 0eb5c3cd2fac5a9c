/** The command line: reads what was typed, loads the command, and turns what it throws into words and a code. */
import { VERSION } from '../core/version.js';
import { readArguments } from './arguments.js';
import { nameOf } from './commands.js';
import { UsageError } from './errors.js';
import { BIN, printHelp } from './help.js';
import { note, print } from './output.js';

const FAILED = 1;
const MISUSED = 2;

/**
 * Runs one command and sets `process.exitCode`: 0, 1 where it failed, 2 where it was typed wrong.
 * @param argv without node and script
 */
export async function main(argv: string[]): Promise<void> {
  process.once('uncaughtException', (error) => {
    fail(error);
    process.exit();
  });
  // `parallama-cli user list | head -1` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  let about = '';
  try {
    const request = readArguments(argv);
    if (request.does === 'version') print(`${BIN} ${VERSION}`);
    else if (request.does === 'help') {
      printHelp(request.about);
      if (!request.asked) process.exitCode = MISUSED;
    } else {
      about = nameOf(request.command);
      const { run } = await request.command.load();
      await run(request.invocation);
    }
  } catch (error) {
    fail(error, about);
  }
}

function fail(error: unknown, about = ''): void {
  const message = error instanceof Error ? error.message : String(error);
  note(`${BIN}: ${message || 'unknown error'}`);
  if (error instanceof UsageError) {
    note(`Run \`${[BIN, error.about ?? about, '--help'].filter(Boolean).join(' ')}\` to see how it is used.`);
  }
  if (process.env.PARALLAMA_DEBUG === '1') console.error(error);
  process.exitCode = error instanceof UsageError ? MISUSED : FAILED;
}
