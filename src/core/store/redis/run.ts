/** Writes down a run of steps: its keys and arguments. What several steps have in common is written once. */
import type { Claim, Hold } from '../port.js';
import type { Bucket, Keys } from './keys.js';
import type { Step } from './step.js';

export interface Run {
  keys: string[];
  args: string[];
}

type Usage = Required<Hold>['usage'];

/** What a run has of one subject. Numbers are texts, as Redis is given them. */
interface Tenant {
  bucket: Bucket;
  leases: string;
  /** What the keys of its counters start with. */
  start: string;
  counters: { key: string; number: string }[];
  lists: { claims: Claim[]; number: string }[];
  usages: { usage: Usage; number: string }[];
}

/** Length of the day in `2026-11-23T04`. */
const DAY = 10;

/** @param late by the server's clock, when a step is late whose deadline is given */
export function runOf(steps: Step[], keys: Keys, late: (deadline: number) => string): Run {
  /** Counters and holds; and the other keys, whose numbers start anew. */
  const texts: string[] = [];
  const others: string[] = [];
  const lists: string[] = [];
  const usages: string[] = [];
  const told: string[] = [];
  const tenants = new Map<string, Tenant>();
  let listed = 0;
  let used = 0;

  const tenantOf = (subject: string): Tenant => {
    const known = tenants.get(subject);
    if (known) return known;
    const bucket = keys.bucketOf(subject);
    const leases = String(others.push(bucket.leases));
    const tenant = { bucket, leases, start: keys.counters(subject), counters: [], lists: [], usages: [] };
    tenants.set(subject, tenant);
    return tenant;
  };

  const counterOf = ({ start, counters }: Tenant, key: string): string => {
    const known = counters.find((counter) => counter.key === key);
    if (known) return known.number;
    const number = String(texts.push(start + key));
    counters.push({ key, number });
    return number;
  };

  const listOf = (tenant: Tenant, claims: Claim[]): string => {
    const known = tenant.lists.find((list) => areSame(list.claims, claims));
    if (known) return known.number;
    lists.push(String(claims.length));
    for (const { key, counts, requests = 1, max, expiresAt } of claims) {
      const taken = counts === 'tokens' ? counts : String(requests);
      lists.push(counterOf(tenant, key), taken, max === null ? '' : String(max), String(expiresAt));
    }
    listed += 1;
    const number = String(listed);
    tenant.lists.push({ claims, number });
    return number;
  };

  const usageOf = (tenant: Tenant, subject: string, usage: Usage): string => {
    const { hour, gateway, model } = usage;
    const known = tenant.usages.find(({ usage }) => {
      return usage.hour === hour && usage.gateway === gateway && usage.model === model;
    });
    if (known) return known.number;
    const day = hour.slice(0, DAY);
    const places = [keys.usage(subject, day), tenant.bucket.subjects(day), tenant.bucket.days];
    for (const key of places) usages.push(String(others.push(key)));
    usages.push(subject, day, JSON.stringify([hour, gateway, model]));
    const number = String(used);
    used += 1;
    tenant.usages.push({ usage, number });
    return number;
  };

  for (const { kind, hold, args, deadline } of steps) {
    const { id, subject, claims, usage } = hold;
    const tenant = tenantOf(subject);
    told.push(kind.name, kind.guarded ? late(deadline) : '');
    told.push(String(texts.push(tenant.bucket.hold(id))), tenant.leases);
    told.push(kind.counts ? listOf(tenant, claims) : '', id, ...args);
    if (kind.charges) told.push(usage ? usageOf(tenant, subject, usage) : '');
  }
  const count = String(texts.length);
  return {
    keys: texts.concat(others),
    args: [count, String(listed)].concat(lists, String(used), usages, told),
  };
}

function areSame(some: Claim[], others: Claim[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ key, counts, requests, max, expiresAt }, at) => {
      const other = others[at]!;
      return (
        key === other.key &&
        max === other.max &&
        counts === other.counts &&
        requests === other.requests &&
        expiresAt === other.expiresAt
      );
    })
  );
}
