/** The order of the history, for drivers whose backend does not sort. */
import type { UsageRow } from './port.js';

export function inOrder(one: UsageRow, other: UsageRow): number {
  return (
    compare(one.at, other.at) ||
    compare(one.subject, other.subject) ||
    compare(one.gateway, other.gateway) ||
    compare(one.model, other.model)
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
