/** What a command is, and what it gets. */

export interface Invocation {
  /** As many as the usage names, at least. */
  args: string[];
  /** Of the options that take a value. */
  values: Readonly<Partial<Record<ValueOption, string>>>;
  /** Of the options that may be given several times, in their order. */
  lists: Readonly<Record<ListOption, string[]>>;
  flags: ReadonlySet<string>;
}

export interface Command {
  /** `user create <username>`; all words before the first `<` are the name. */
  usage: string;
  describe: string;
  /** Descriptions by name; {@link VALUE_OPTIONS} and {@link LIST_OPTIONS} take a value, all others are flags. */
  options: Record<string, string>;
  examples?: string[];
  load(): Promise<{ run(invocation: Invocation): Promise<void> }>;
}

export const VALUE_OPTIONS = [
  'config',
  'default-model',
  'enabled',
  'end-date',
  'format',
  'gateway',
  'host',
  'name',
  'ollama',
  'port',
  'request-limit-daily',
  'request-limit-hourly',
  'role',
  'root',
  'start-date',
  'token-limit-daily',
  'token-limit-hourly',
  'username',
] as const;
export type ValueOption = (typeof VALUE_OPTIONS)[number];

/** May be given several times. */
export const LIST_OPTIONS = ['model-mapping', 'remove-mapping'] as const;
export type ListOption = (typeof LIST_OPTIONS)[number];
