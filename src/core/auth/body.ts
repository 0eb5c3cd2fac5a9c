/**
 * Reads the bodies of the account endpoints by a schema, and says which field is wrong.
 */
import type { z } from 'zod';
import { GatewayError } from '../errors.js';

/** @throws GatewayError `missing_body`, `missing_field`, `invalid_type`, `invalid_value` */
export function readFields<T>(schema: z.ZodType<T>, body: unknown): T {
  if (body === undefined) throw new GatewayError('missing_body');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new GatewayError('invalid_type', { message: 'The body must be a JSON object.' });
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw fieldError(result.error.issues[0], body);
}

function fieldError(issue: z.core.$ZodIssue | undefined, body: object): GatewayError {
  const field = String(issue?.path[0] ?? '');
  if (!Object.hasOwn(body, field)) {
    return new GatewayError('missing_field', { message: `"${field}" is required.`, param: field });
  }
  if (issue?.code === 'invalid_type') {
    return new GatewayError('invalid_type', {
      message: `"${field}" must be a ${issue.expected}.`,
      param: field,
    });
  }
  // The schema's own words; they name bounds, never the value.
  return new GatewayError('invalid_value', {
    message: `"${field}" ${issue?.message ?? 'is wrong'}.`,
    param: field,
  });
}
