/** Values that name addresses: what to listen on, which proxies to trust, whose pages and names are let in. */
import proxyAddr from 'proxy-addr';
import { z } from 'zod';
import { matching } from './values.js';

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

/**
 * As browsers send it, or a pattern of those. A slash at the end is left out: people copy it along. URLs know the origin
 * of the web's own schemes only, and apps and extensions have schemes of their own.
 */
export const origin = () => {
  const what =
    'an origin such as https://app.example.com, app://obsidian.md or vscode-webview://*, null, or *';
  return z
    .string(what)
    .refine((text) => ORIGIN.test(text), { error: `is not an origin; expected ${what}` })
    .transform((text) => text.replace(/(?<=[^/])\/$/, '').toLowerCase())
    .transform((text) => (/^https?:[^*]+$/.test(text) ? (URL.parse(text)?.origin ?? text) : text));
};

const ORIGIN =
  /^(?:\*|null|file:\/\/|[a-z][a-z0-9+.-]*:\/\/(?:\*|(?:\*\.)?[\w.-]+|\[[\da-f:.]+\])(?::(?:\d{1,5}|\*))?\/?)$/i;

/** A name that clients may have in `Host`. */
export const hostName = () => {
  const what = 'a name such as ai.example.com or *.example.com, without a port, or *';
  return z
    .string(what)
    .regex(/^(?:\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])$/i, what)
    .transform((text) => text.toLowerCase());
};

/** The path of a Unix socket has 107 bytes at most in Linux, and fewer elsewhere. */
export const listenAddress = () =>
  matching(
    /^(?:unix:[^\s\0]{1,100}|(?!unix:)[^\s/[\]]+|\[[\da-f:.]+\])$/i,
    'an address to listen on, such as 127.0.0.1, or a socket such as unix:/run/parallama/parallama.sock',
  );
