/**
 * Password hashes: argon2id with OWASP's parameters, a few at a time.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { argon2id, hash as argonHash, verify as argonVerify, needsRehash } from 'argon2';

export interface PasswordHashing {
  memory_kib: number;
  iterations: number;
  parallelism: number;
}

export interface Passwords {
  hash(password: string): Promise<string>;
  /** `undefined` is an unknown user: it costs the same time, and is false. */
  verify(hash: string | undefined, password: string): Promise<boolean>;
  /** The hash was made with other parameters than those in force. */
  outdated(hash: string): boolean;
}

/**
 * Each hash takes a core, a thread of libuv's pool (four by default) and tens of megabytes: one core stays for all
 * other requests, and the pool's other threads for file access and name look-ups.
 */
const AT_ONCE = Math.max(1, Math.min(2, availableParallelism() - 1));

export function createPasswords({ memory_kib, iterations, parallelism }: PasswordHashing): Passwords {
  const parameters = { memoryCost: memory_kib, timeCost: iterations, parallelism };
  const turn = createTurns(AT_ONCE);
  const nobody = unmatchable({ memory_kib, iterations, parallelism });

  return {
    hash: (password) => turn(() => argonHash(normal(password), { type: argon2id, ...parameters })),
    verify: (hash, password) => turn(() => argonVerify(hash ?? nobody, normal(password))),
    outdated: (hash) => needsRehash(hash, parameters),
  };
}

/** The same letters can be typed as different code points, depending on the keyboard. */
function normal(password: string): string {
  return password.normalize('NFKC');
}

/** A hash of the given cost that no password has: verifying against it takes as long as against a real one. */
function unmatchable({ memory_kib, iterations, parallelism }: PasswordHashing): string {
  const part = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memory_kib},t=${iterations},p=${parallelism}$${part(16)}$${part(32)}`;
}

/** Runs at most `size` tasks at once; the others wait in order. */
function createTurns(size: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = size;
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
