/** What a command is, and what it gets. */

export interface Invocation {
  /** As many as the usage names, at least. */
  args: string[];
  /** Of the options that take a value. */
  values: Readonly<Partial<Record<ValueOption, string>>>;
  flags: ReadonlySet<string>;
}

export interface Command {
  /** `user create <username>`; all words before the first `<` are the name. */
  usage: string;
  describe: string;
  /** Descriptions by name; {@link VALUE_OPTIONS} take a value, all others are flags. */
  options: Record<string, string>;
  examples?: string[];
  load(): Promise<{ run(invocation: Invocation): Promise<void> }>;
}

export const VALUE_OPTIONS = [
  'config',
  'gateway',
  'host',
  'name',
  'ollama',
  'port',
  'request-limit-daily',
  'request-limit-hourly',
  'role',
  'token-limit-daily',
  'token-limit-hourly',
  'username',
] as const;
export type ValueOption = (typeof VALUE_OPTIONS)[number];
