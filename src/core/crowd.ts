/**
 * Those who are there now, in the order in which they came: for what comes and goes with every request.
 *
 * Neither a Map nor a Set: V8 keeps what is in the outgrown tables of one until its next full collection, and with it
 * all that hangs on a request. A crowd's members are chained to each other, and whoever leaves lets go of the chain.
 */
export interface Member {
  /** The crowd's own; undefined once it has left. */
  chain?: { crowd: unknown; before?: Member; after?: Member };
}

export interface Crowd<T extends Member> {
  enter(member: T): void;
  /** False where it was not there. */
  leave(member: T): boolean;
  /** As of now: who comes or goes meanwhile does not change it. */
  all(): T[];
  readonly size: number;
}

/** A member is in one crowd at a time. */
export function createCrowd<T extends Member>(): Crowd<T> {
  let first: Member | undefined;
  let last: Member | undefined;
  let size = 0;

  const crowd: Crowd<T> = {
    enter(member) {
      member.chain = { crowd, before: last };
      if (last) last.chain!.after = member;
      else first = member;
      last = member;
      size += 1;
    },
    leave(member) {
      if (member.chain?.crowd !== crowd) return false;
      const { before, after } = member.chain;
      if (before) before.chain!.after = after;
      else first = after;
      if (after) after.chain!.before = before;
      else last = before;
      member.chain = undefined;
      size -= 1;
      return true;
    },
    all() {
      const members: T[] = [];
      for (let member = first; member; member = member.chain!.after) members.push(member as T);
      return members;
    },
    get size() {
      return size;
    },
  };
  return crowd;
}
