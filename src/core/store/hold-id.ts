/** Names of holds. */
import { randomUUID } from 'node:crypto';

/**
 * A fresh id, its time first: what is written together then lies together in a store's index, and SQLite finds the marks
 * that are to be forgotten among its first.
 * @param at milliseconds since 1970
 */
export const holdId = (at: number): string => `${at.toString(36)}-${randomUUID()}`;
