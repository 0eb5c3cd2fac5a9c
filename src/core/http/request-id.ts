/** The caller's own request id where it sent a sane one, else a fresh one: the same in answer, log and history. */
import { randomUUID } from 'node:crypto';
import type { RequestHeaders } from '../contract.js';

const SANE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export function requestId(headers: RequestHeaders): string {
  const given = headers['x-request-id'];
  if (typeof given === 'string' && SANE.test(given)) return given;
  return `req_${randomUUID().replaceAll('-', '')}`;
}
