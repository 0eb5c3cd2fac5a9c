/**
 * Accounts and administration are not for pages of other origins: such a page could make accounts and guess passwords
 * from the place of whoever looks at it, behind the firewall.
 */
import type { GatewayRequest } from '../contract.js';
import { GatewayError } from '../errors.js';
import type { Cors } from './cors.js';

/** @throws GatewayError `origin_not_allowed` for a page's request that neither we nor the host app allow */
export function checkOrigin(request: GatewayRequest, cors: Cors): void {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (origin === undefined && site !== 'cross-site') return;
  if (site === 'same-origin' || (site === undefined && isOwn(origin, host))) return;
  if (cors.allows(origin)) return;
  const { corsOrigin } = request;
  if (origin !== undefined && (corsOrigin === '*' || corsOrigin === origin)) return;
  throw new GatewayError('origin_not_allowed');
}

/** Browsers say themselves whether it is, where the connection is safe; elsewhere only the names can be compared. */
function isOwn(origin: string | string[] | undefined, host: string | string[] | undefined): boolean {
  return (
    typeof origin === 'string' && typeof host === 'string' && /^https?:\/\/(.+)$/.exec(origin)?.[1] === host
  );
}
