/** Whether a request comes from the machine that answers it. */
import type { GatewayRequest } from '../contract.js';

const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/i;
/** What proxies add: the one who asks is then somebody else than the one who connects. */
const FORWARDING = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-forwarded-host', 'via'];

export const isForwarded = ({ headers }: Pick<GatewayRequest, 'headers'>) =>
  FORWARDING.some((name) => headers[name] !== undefined);

/**
 * By its connection: from loopback, or from an address to the same one, which no other machine can have. A request that
 * a proxy of this machine hands on is not local; a proxy that says nothing of itself cannot be told from a program here.
 */
export function isLocal(request: Pick<GatewayRequest, 'headers' | 'connection'>): boolean {
  const { remoteAddress, localAddress } = request.connection ?? {};
  if (remoteAddress === undefined || isForwarded(request)) return false;
  return LOOPBACK.test(remoteAddress) || remoteAddress === localAddress;
}
