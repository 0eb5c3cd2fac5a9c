/**
 * Reads the command line strictly: what is unknown, repeated, missing or too much is an error that says so. Words
 * stay the text they are; a user may be called 007.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../core/config/nearest.js';
import { type Command, type Invocation, LIST_OPTIONS, VALUE_OPTIONS } from './command.js';
import { argumentsOf, COMMANDS, nameOf } from './commands.js';
import { didYouMean, UsageError } from './errors.js';

export type Request =
  | { does: 'run'; command: Command; invocation: Invocation }
  /** `about` is the name of a command or of a group of them, or nothing. */
  | { does: 'help'; about: string; asked: boolean }
  | { does: 'version' };

interface GivenOption {
  name: string;
  /** As it was typed, with its dashes. */
  rawName: string;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

/** @throws UsageError */
export function readArguments(argv: string[]): Request {
  const { words, options } = tokens(argv);
  const command = findCommand(words);
  checkNames(options, command);
  const has = (name: string) => options.some((option) => option.name === name);

  if (!command) {
    const about = words.join(' ');
    if (words.length > 0 && !isGroup(about)) throw unknownCommand(words);
    return has('version') ? { does: 'version' } : { does: 'help', about, asked: has('help') };
  }
  const about = nameOf(command);
  if (has('help')) return { does: 'help', about, asked: true };
  const read = { ...readOptions(options, about), args: readWords(words, command) };
  return { does: 'run', command, invocation: read };
}

function tokens(argv: string[]): { words: string[]; options: GivenOption[] } {
  const { tokens } = parseArgs({
    args: argv,
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(
        [...VALUE_OPTIONS, ...LIST_OPTIONS].map((name) => [name, { type: 'string' as const }]),
      ),
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
  return {
    words: tokens.filter((token) => token.kind === 'positional').map((token) => token.value),
    options: tokens.filter((token) => token.kind === 'option'),
  };
}

const findCommand = (words: string[]) =>
  COMMANDS.find((command) => {
    const name = nameOf(command).split(' ');
    return name.every((word, at) => words[at] === word);
  });

const isGroup = (about: string) => COMMANDS.some((command) => command.usage.startsWith(`${about} `));

function unknownCommand(words: string[]): UsageError {
  const inGroup = words.length > 1 && isGroup(words[0]!);
  const typed = words.slice(0, inGroup ? 2 : 1).join(' ');
  const names = COMMANDS.map(nameOf);
  const meant = nearest(words.slice(0, 2).join(' '), names) ?? nearest(words[0]!, names);
  return new UsageError(`Unknown command "${typed}"${didYouMean(meant)}`, inGroup ? words[0] : '');
}

function checkNames(options: GivenOption[], command: Command | undefined): void {
  const commands = command ? [command] : COMMANDS;
  const known = [...commands.flatMap((one) => Object.keys(one.options)), 'help', 'version'];
  const unknown = options.find(({ name }) => !known.includes(name));
  if (!unknown) return;
  const meant = nearest(unknown.name, known);
  throw new UsageError(
    `Unknown option "${unknown.rawName}"${didYouMean(meant && `--${meant}`)}`,
    command && nameOf(command),
  );
}

function readOptions(options: GivenOption[], about: string): Pick<Invocation, 'values' | 'lists' | 'flags'> {
  const values: Record<string, string> = {};
  const lists: Invocation['lists'] = { 'model-mapping': [], 'remove-mapping': [] };
  const flags = new Set<string>();
  for (const { name, rawName, value, inlineValue } of options) {
    if (flags.has(name) || name in values) throw new UsageError(`Option "${rawName}" is given twice.`, about);
    const list = LIST_OPTIONS.find((option) => option === name);
    if (list || VALUE_OPTIONS.some((option) => option === name)) {
      // What looks like the next option is one: a value that begins with a dash is written --name=-value.
      const missing = !value || (!inlineValue && value.startsWith('-'));
      if (missing) throw new UsageError(`Option "${rawName}" needs a value.`, about);
      if (list) lists[list].push(value);
      else values[name] = value;
    } else {
      if (value !== undefined) throw new UsageError(`Option "${rawName}" takes no value.`, about);
      flags.add(name);
    }
  }
  return { values, lists, flags };
}

function readWords(words: string[], command: Command): string[] {
  const about = nameOf(command);
  const args = words.slice(about.split(' ').length);
  const wanted = argumentsOf(command);
  if (args.length > wanted.length) {
    throw new UsageError(`Unexpected argument "${args[wanted.length]}".`, about);
  }
  // An empty word is mostly a shell variable that is not set.
  const missing = wanted.find((_, at) => !args[at]);
  if (missing) throw new UsageError(`Missing ${missing}.`, about);
  return args;
}
