/** What many ask for and all get alike is made once for all of them. */

/** Milliseconds for which a rendering is handed to everybody who asks. */
export const RENDER_EVERY_MS = 1_000;

/**
 * A function that gives the last rendering while it is fresh, and starts one at most while another is under way. A
 * rendering that fails is told to those who wait for it, and is not kept.
 * @param options.key a rendering is stale at once where this changes
 * @param options.now milliseconds from any start, never going back
 */
export function shareRendering<T>(
  render: () => Promise<T>,
  { key = () => undefined, now = () => performance.now() }: { key?(): unknown; now?(): number } = {},
): () => Promise<T> {
  let last: { startedAt: number; key: unknown; value: Promise<T>; done: boolean } | undefined;

  return () => {
    const wanted = key();
    if (last && last.key === wanted && (!last.done || now() - last.startedAt < RENDER_EVERY_MS))
      return last.value;
    const one = { startedAt: now(), key: wanted, value: render(), done: false };
    last = one;
    one.value.then(
      () => {
        one.done = true;
      },
      () => {
        if (last === one) last = undefined;
      },
    );
    return one.value;
  };
}
