/** Faults that are armed, and models that are locked. */
import { nameKey } from './names.js';
import type { Fault, FaultKind } from './types.js';

const INFERENCE = ['/api/chat', '/api/generate', '/api/embed', '/api/embeddings'];

export const QUEUE_FULL = 'server busy, please try again.  maximum pending requests exceeded';

export interface Faults {
  arm(fault: Fault): () => void;
  /** The oldest fault of these kinds that fits, with one of its strikes used up. */
  take(kinds: FaultKind[], path: string, model?: string): Fault | undefined;
}

export function createFaults(): Faults {
  const armed: { fault: Fault; left: number }[] = [];

  function fits(fault: Fault, path: string, model: string | undefined): boolean {
    const paths = fault.path === undefined ? INFERENCE : [fault.path];
    if (!paths.includes(path) && fault.path !== '*') return false;
    return fault.model === undefined || (model !== undefined && nameKey(model) === nameKey(fault.model));
  }

  return {
    arm(fault) {
      const entry = { fault, left: fault.times ?? (fault.kind === 'lock' ? 1 : Number.POSITIVE_INFINITY) };
      armed.push(entry);
      return () => {
        entry.left = 0;
      };
    },
    take(kinds, path, model) {
      const found = armed.find(
        ({ fault, left }) => left > 0 && kinds.includes(fault.kind) && fits(fault, path, model),
      );
      if (!found) return undefined;
      found.left -= 1;
      for (let index = armed.length - 1; index >= 0; index -= 1)
        if (armed[index]!.left <= 0) armed.splice(index, 1);
      return found.fault;
    },
  };
}

/** Models that answer nothing any more (ollama#17131), and how many requests wait for each. */
export interface Locks {
  lock(model: string): void;
  isLocked(model: string): boolean;
  /**
   * Counts a request that waits for a locked model, until the returned function is called.
   * @returns whether the model is free, as its unloading had been asked for and nobody waits any more
   */
  wait(model: string): () => boolean;
  /** Asks for the model to be unloaded. @returns whether it is free at once, as nobody waits */
  unload(model: string): boolean;
}

interface Lock {
  waiting: number;
  unloading: boolean;
}

export function createLocks(): Locks {
  const locks = new Map<string, Lock>();

  function freed(key: string, lock: Lock): boolean {
    return lock.unloading && lock.waiting === 0 && locks.get(key) === lock && locks.delete(key);
  }

  return {
    lock(model) {
      locks.set(nameKey(model), { waiting: 0, unloading: false });
    },
    isLocked: (model) => locks.has(nameKey(model)),
    wait(model) {
      const key = nameKey(model);
      const lock = locks.get(key);
      if (!lock) return () => false;
      lock.waiting += 1;
      return () => {
        lock.waiting -= 1;
        return freed(key, lock);
      };
    },
    unload(model) {
      const key = nameKey(model);
      const lock = locks.get(key);
      if (!lock) return true;
      lock.unloading = true;
      return freed(key, lock);
    },
  };
}
