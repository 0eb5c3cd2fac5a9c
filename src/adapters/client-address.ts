/** Who a client is, behind proxies whose word is taken: Express's rules, by the library that Express uses. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import type { Config } from '../core/config.js';

/** Addresses of a header that are looked at, from the last one on: it may have thousands. */
const MAX_ADDRESSES = 64;

export interface ClientAddress {
  (request: Pick<IncomingMessage, 'headers'>, peer: string | undefined): string | undefined;
  /** Whether connections from there are a proxy's. */
  isProxy(peer: string): boolean;
}

/**
 * Walks X-Forwarded-For from the connection's own address to the left, as long as the address that added the next entry
 * is trusted. An entry that is no address ends the walk: the last valid address is the client's.
 */
export function createClientAddress(trust: Config['server']['trust_proxy']): ClientAddress {
  if (trust === false || trust === 0) {
    return Object.assign((_request: object, peer: string | undefined) => peer, { isProxy: () => false });
  }
  const trusts = trustFunction(trust);
  const isProxy = (peer: string) => trusts(peer, 0);
  const clientAddress = ({ headers }: Pick<IncomingMessage, 'headers'>, peer: string | undefined) => {
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined || peer === undefined) return peer;
    const named = String(forwarded).split(',').slice(-MAX_ADDRESSES);
    let client = peer;
    for (let hop = 0; hop < named.length && trusts(client, hop); hop += 1) {
      const next = withoutPort(named.at(-1 - hop)!.trim());
      if (isIP(next) === 0) break;
      client = next;
    }
    return client;
  };
  return Object.assign(clientAddress, { isProxy });
}

function trustFunction(trust: true | number | string[]): (address: string, hop: number) => boolean {
  if (trust === true) return () => true;
  if (typeof trust === 'number') return (_address, hop) => hop < trust;
  return proxyAddr.compile(trust);
}

/** Some proxies add the port, which is another with each connection. */
function withoutPort(address: string): string {
  const [, inner = address] = /^\[(.+)\](?::\d+)?$/.exec(address) ?? /^([\d.]+):\d+$/.exec(address) ?? [];
  return inner;
}
