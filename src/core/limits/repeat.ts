/** Work that is to be done again and again. */

/** Runs `work` every so often, never twice at once, without keeping the process alive; the result stops it. */
export function repeat(
  work: () => Promise<void>,
  every: number,
  onTrouble: (error: unknown) => void,
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= work()
      .catch(onTrouble)
      .finally(() => {
        running = undefined;
      });
  }, every);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
