/** A command line that cannot be carried out as it was typed: exit code 2. */
export class UsageError extends Error {
  /** The command, or group of them, whose help tells more; the one that runs where absent. */
  readonly about: string | undefined;

  constructor(message: string, about?: string) {
    super(message);
    this.name = 'UsageError';
    this.about = about;
  }
}

/** `: did you mean "--role"?`, or a full stop. */
export const didYouMean = (name: string | undefined) =>
  name === undefined ? '.' : `. Did you mean "${name}"?`;
