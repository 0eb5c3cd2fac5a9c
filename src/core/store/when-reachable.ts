/** For what must be done once at start, also where the store is away then: it is tried again until it answers. */
import { StoreUnavailable } from './port.js';

const RETRY = 1_000;

/**
 * @param onTrouble told of a failure that comes later; at start it is thrown
 * @returns once the work is done or the store has turned out to be away
 * @throws what `work` throws but StoreUnavailable
 */
export async function whenReachable(
  work: () => Promise<void>,
  onTrouble: (error: unknown) => void,
): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const again = (error: unknown) => {
    if (!(error instanceof StoreUnavailable)) throw error;
    if (stopped) return;
    timer = setTimeout(() => void work().catch(again).catch(onTrouble), RETRY);
    timer.unref();
  };

  await work().catch(again);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
