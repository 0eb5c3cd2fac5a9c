import { setTimeout as sleep } from 'node:timers/promises';
import { LOGIN_WINDOW } from '../../src/core/auth/throttle.js';

/** Failed logins are counted by the clock's quarters of an hour: a test that fails many does so within one. */
export async function withinOneWindow(): Promise<void> {
  const left = LOGIN_WINDOW - (Date.now() % LOGIN_WINDOW);
  if (left < 20_000) await sleep(left);
}
