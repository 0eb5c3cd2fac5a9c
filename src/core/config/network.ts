/** Values that name addresses: what to listen on, which proxies to trust, whose pages and names are let in. */
import proxyAddr from 'proxy-addr';
import { z } from 'zod';

/** More proxies than anybody has in front of one server. */
export const MAX_HOPS = 32;

/** `true`: every proxy. A number: that many proxies. A list: the proxies with these addresses. */
export type TrustProxy = boolean | number | string[];

/** As Express's `trust proxy`, a text with commas included, which becomes a list. */
export const trustProxy = () => {
  const what = 'true, false, a number of proxies, or a list of networks such as [loopback, 10.0.0.0/8]';
  const list = z
    .array(z.string(what), what)
    .refine(areNetworks, { error: `has no network, or something else than one; expected ${what}` });
  const text = z
    .string(what)
    .transform((value) => value.split(',').map((part) => part.trim()))
    .pipe(list);
  return z.union([z.boolean(what), z.int(what).min(0, what).max(MAX_HOPS, what), list, text], what);
};

function areNetworks(networks: string[]): boolean {
  if (networks.length === 0) return false;
  try {
    proxyAddr.compile(networks);
    return true;
  } catch {
    return false;
  }
}
