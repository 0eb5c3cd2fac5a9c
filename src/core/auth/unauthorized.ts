/** The answer to a request whose sender is not known. */
import { type ErrorKind, GatewayError } from '../errors.js';

/** RFC 9110, section 15.5.2: a 401 says how to authenticate. */
export function unauthorized(kind: ErrorKind, message?: string): GatewayError {
  return new GatewayError(kind, { message, headers: { 'www-authenticate': 'Bearer' } });
}
