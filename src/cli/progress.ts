/** How far long work has come, on standard error, where that is a terminal. */

export interface Progress {
  /** One more. */
  step(): void;
  /** Takes the line away. */
  end(): void;
}

/** Often enough to see it move. */
const EVERY = 100;

export function createProgress(what: string): Progress {
  const { stderr } = process;
  // Where results scroll by on the same terminal, they are progress enough.
  const shown = stderr.isTTY && !process.stdout.isTTY;
  let count = 0;
  let at = performance.now();
  return {
    step() {
      count += 1;
      if (!shown || performance.now() - at < EVERY) return;
      at = performance.now();
      stderr.write(`\r${count.toLocaleString('en-US')} ${what}`);
    },
    end() {
      if (shown) stderr.write('\r\u001b[K');
    },
  };
}
