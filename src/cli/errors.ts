/** A command line that cannot be carried out as it was typed: exit code 2. */
export class UsageError extends Error {
  /** The command whose help tells more. */
  readonly about: string;

  constructor(message: string, about = '') {
    super(message);
    this.name = 'UsageError';
    this.about = about;
  }
}

/** `: did you mean "--role"?`, or a full stop. */
export const didYouMean = (name: string | undefined) =>
  name === undefined ? '.' : `. Did you mean "${name}"?`;
