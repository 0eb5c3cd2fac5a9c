/**
 * Ends answers under way whose user may no longer have them: the key or session is revoked, the user deleted, the role
 * without the gateway, a limit lowered below what is used. All that a process is answering is looked at together a few
 * times a second, so that a request costs nothing for it.
 */
import type { GatewayName } from '../contract.js';
import { GatewayError } from '../errors.js';
import { overCut } from '../limits/cut.js';
import type { Running } from '../limits/lease.js';
import type { LimitPolicy } from '../limits/policy.js';
import { repeat } from '../limits/repeat.js';
import type { LimitOverrides, Limits } from '../limits/types.js';
import { type Row, type Store, StoreUnavailable, type Table } from '../store/port.js';
import type { KeyRecord } from './api-keys.js';
import type { Authenticated } from './authenticator.js';
import { holds, isKey, userBy } from './proof.js';
import type { Roles } from './roles.js';
import { unauthorized } from './unauthorized.js';
import type { UserRecord } from './user.js';

/** Several looks, a slow store's answer included, fit into the second in which a running answer must end. */
const LOOK_EVERY_MS = 200;
/** Rows asked for in one call. */
const ROWS_AT_ONCE = 500;

interface Rows {
  users: Map<string, Row<UserRecord>>;
  keys: Map<string, Row<KeyRecord>>;
  /** Of the host app's users. */
  limits: Map<string, Row<LimitOverrides>>;
}

export interface RevocationOptions {
  store: Pick<Store, 'getMany' | 'counters'>;
  roles: Pick<Roles, 'get'>;
  policy: LimitPolicy;
  /** All that is being answered. */
  running(): Running[];
  onTrouble(error: unknown): void;
}

/** @returns stops looking */
export function watchRevocation({
  store,
  roles,
  policy,
  running,
  onTrouble,
}: RevocationOptions): () => Promise<void> {
  async function readAll<T>(table: Table, ids: Set<string>): Promise<Map<string, Row<T>>> {
    const found = new Map<string, Row<T>>();
    const wanted = [...ids];
    for (let at = 0; at < wanted.length; at += ROWS_AT_ONCE) {
      const rows = await store.getMany<T>(table, wanted.slice(at, at + ROWS_AT_ONCE));
      for (const row of rows) if (row) found.set(row.id, row);
    }
    return found;
  }

  async function read(all: Running[]): Promise<Rows> {
    const users = new Set<string>();
    const keys = new Set<string>();
    const limits = new Set<string>();
    for (const { ask } of all) {
      const { id, proof }: Authenticated = ask.identity;
      if (proof) users.add(proof.username);
      else limits.add(id);
      if (proof && isKey(proof)) keys.add(proof.keyId);
    }
    const [userRows, keyRows, limitRows] = await Promise.all([
      readAll<UserRecord>('users', users),
      readAll<KeyRecord>('keys', keys),
      readAll<LimitOverrides>('limits', limits),
    ]);
    return { users: userRows, keys: keyRows, limits: limitRows };
  }

  /** The identity as the store has it now; undefined if the key or token is void. */
  function currentOf({ id, role, proof }: Authenticated, rows: Rows) {
    // Who a user of the host app is, and in what role, only the app knows.
    if (!proof) return { id, role, limits: rows.limits.get(id)?.value };
    const key = isKey(proof) ? rows.keys.get(proof.keyId) : undefined;
    return holds(proof, key) ? userBy(proof, rows.users.get(proof.username)) : undefined;
  }

  const mayUse = (role: string, gateway: GatewayName) => roles.get(role)?.gateways.includes(gateway);

  async function look(): Promise<void> {
    const all = running();
    if (all.length === 0) return;
    const rows = await read(all);
    const allowed: { one: Running; limits: Limits }[] = [];
    for (const one of all) {
      const { identity, gateway } = one.ask;
      const current = currentOf(identity, rows);
      if (!current) one.end(revoked(identity));
      else if (!mayUse(current.role, gateway)) one.end(notAllowed(current.role, gateway));
      else allowed.push({ one, limits: policy.of(current, gateway) });
    }
    for (const { one, limits } of allowed) {
      const refusal = await overCut(store, one, all, limits);
      if (refusal) one.end(refusal);
    }
  }

  return repeat(look, LOOK_EVERY_MS, (error) => {
    // Requests that need the store report that it is unavailable.
    if (!(error instanceof StoreUnavailable)) onTrouble(error);
  });
}

function revoked({ proof }: Authenticated): GatewayError {
  return proof && isKey(proof)
    ? unauthorized('invalid_key', 'This API key has been revoked.')
    : unauthorized('invalid_token', 'The access token has been revoked.');
}

function notAllowed(role: string, gateway: GatewayName): GatewayError {
  return new GatewayError('forbidden', {
    message: `The role '${role}' does not allow the ${gateway} gateway.`,
  });
}
