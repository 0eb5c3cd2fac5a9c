/**
 * From a URL to where Redis is and how to log in. No error of this file shows the URL: it may hold a password.
 */

export interface Address {
  host: string;
  port: number;
}

export function isSame(one: Address, other: Address): boolean {
  return one.host === other.host && one.port === other.port;
}

export interface Target {
  /** One server, or some nodes of a cluster. */
  addresses: Address[];
  tls: boolean;
  username?: string;
  password?: string;
  database?: number;
  /** What all keys start with. */
  prefix: string;
  /** The URL without the login. */
  place: string;
}

const FORM = 'redis://[user:password@]host[:port][,host[:port]...][/database][?prefix=...]';
const URL_PARTS = /^(rediss?):\/\/(?:(.*)@)?([^/?#@]*)(?:\/(\d*))?(?:\?(.*))?$/is;
const ADDRESS_PARTS = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/;
const PREFIX = 'parallama:';

/**
 * @param password where the URL has none
 * @throws Error where the URL cannot be read
 */
export function parseTarget(url: string, password?: string): Target {
  const parts = URL_PARTS.exec(url);
  if (!parts) throw new Error(`The Redis URL cannot be read. It is written ${FORM}`);
  const [, scheme = '', login = '', hosts = '', database = '', query = ''] = parts;
  const colon = login.indexOf(':');
  const addresses = hosts.split(',').map(addressOf);
  const prefix = prefixOf(query);
  return {
    addresses,
    tls: scheme.toLowerCase() === 'rediss',
    username: decoded(colon === -1 ? login : login.slice(0, colon)),
    password: decoded(colon === -1 ? '' : login.slice(colon + 1)) ?? password,
    database: database === '' ? undefined : Number(database),
    prefix,
    place: `${scheme}://${hosts || 'localhost'}${database && `/${database}`}${prefix === PREFIX ? '' : `?prefix=${prefix}`}`,
  };
}

function addressOf(text: string): Address {
  const [, ipv6, name, port] = ADDRESS_PARTS.exec(text) ?? [];
  if (ipv6 === undefined && name === undefined) {
    throw new Error(`The Redis URL names no host that can be read. It is written ${FORM}`);
  }
  return { host: ipv6 ?? (name || 'localhost'), port: Number(port ?? 6379) };
}

function prefixOf(query: string): string {
  for (const [name, value] of new URLSearchParams(query)) {
    if (name !== 'prefix')
      throw new Error(`The Redis URL has an unknown option "${name}". It is written ${FORM}`);
    // Braces would say where in a cluster a key lives, which is decided after the prefix.
    if (!/^[\w:.-]*$/.test(value)) {
      throw new Error('The prefix in the Redis URL may have letters, digits and the characters _ : . -');
    }
    return value;
  }
  return PREFIX;
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    throw new Error('The login in the Redis URL has a % that starts no character. Write it as %25.');
  }
}
