/**
 * What was set for a user instead of the role's limits: in the user's row where it is an account of ours, else in a
 * row of the table `limits` under the id that the host app gives its user.
 */
import type { Users } from '../auth/users.js';
import type { GatewayName } from '../contract.js';
import type { Records } from '../store/port.js';
import { mergeOverrides, withoutOverrides } from './merge.js';
import type { LimitOverrides } from './types.js';

export interface Overrides {
  /** Undefined where nothing was ever set. */
  get(id: string): Promise<LimitOverrides | undefined>;
  /** The options given replace those that were set; the others stay. @returns all that is set now */
  set(id: string, overrides: LimitOverrides): Promise<LimitOverrides>;
  /** Takes back what was set, on one gateway or on all. */
  reset(id: string, gateway?: GatewayName): Promise<void>;
}

export function createOverrides({
  store,
  users,
}: {
  store: Records;
  users: Pick<Users, 'find' | 'setLimits' | 'resetLimits'>;
}): Overrides {
  const row = (id: string) => store.get<LimitOverrides>('limits', id);

  /** Writes only over the version it has read; whoever loses starts anew from the winner's. */
  async function change(
    id: string,
    edit: (limits: LimitOverrides) => LimitOverrides,
  ): Promise<LimitOverrides> {
    for (;;) {
      const found = await row(id);
      const value = edit(found?.value ?? {});
      const written = found
        ? await store.update('limits', id, found.version, value)
        : await store.create('limits', id, value);
      if (written) return value;
    }
  }

  return {
    async get(id) {
      const [found, user] = await Promise.all([row(id), users.find(id)]);
      return user?.limits ?? found?.value;
    },

    async set(id, overrides) {
      const user = await users.find(id);
      if (user) return (await users.setLimits(user.username, overrides)).limits;
      return change(id, (limits) => mergeOverrides(limits, overrides));
    },

    async reset(id, gateway) {
      const user = await users.find(id);
      if (user) await users.resetLimits(user.username, gateway);
      else if (gateway === undefined) await store.delete('limits', id);
      else if (await row(id)) await change(id, (limits) => withoutOverrides(limits, gateway));
    },
  };
}
