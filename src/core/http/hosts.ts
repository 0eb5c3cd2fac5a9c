/**
 * Which names a server answers to. A page can make its own name lead to a loopback address (DNS rebinding), and is then
 * of the same origin as whatever listens there: it is told by the name, which browsers send in `Host`.
 */
import type { Config } from '../config.js';
import type { GatewayRequest } from '../contract.js';
import { GatewayError } from '../errors.js';

/** Names that lead to this machine only; the last two are what containers of Docker and Podman call their host. */
const LOOPBACK =
  /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[(?:::1|::ffff:127(?:\.\d{1,3}){3})\]|host\.(?:docker|containers)\.internal)$/;
/** An address is no name: nobody else can make it lead here. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+?)\.?(?::\d{1,5})?$/;
const AUTHORITY = /^https?:\/\/([^/?#]*)/i;
/** Characters of a name that a message repeats. */
const MAX_SHOWN = 100;

/** @returns throws GatewayError `bad_host`, `host_not_allowed` */
export function createHosts({
  allowed_hosts,
  trust_proxy,
}: Pick<Config['server'], 'allowed_hosts' | 'trust_proxy'>): (request: GatewayRequest) => void {
  const names = new Set(allowed_hosts.filter((name) => !name.startsWith('*.')));
  const suffixes = allowed_hosts.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
  const listed = (name: string) =>
    names.has('*') || names.has(name) || suffixes.some((suffix) => name.endsWith(suffix));

  function checkName(name: string, request: GatewayRequest): void {
    if (LOOPBACK.test(name) || listed(name)) return;
    if (!request.server!.loopback) {
      if (allowed_hosts.length === 0 || ADDRESS.test(name)) return;
    } else if (
      allowed_hosts.length === 0 &&
      trust_proxy &&
      request.headers['x-forwarded-for'] !== undefined
    ) {
      // The operator says that a proxy stands in front: it has a name that is not known here.
      return;
    }
    throw new GatewayError('host_not_allowed', {
      message:
        `This server does not answer to the name '${name.slice(0, MAX_SHOWN)}'. ` +
        'If the name is its own, its operator has to add it to server.allowed_hosts.',
    });
  }

  return (request) => {
    if (request.server === undefined) return;
    const host = AUTHORITY.exec(request.url)?.[1] ?? request.headers.host;
    // No browser leaves it out.
    if (host === undefined || host === '') return;
    const name = typeof host === 'string' ? HOST.exec(host.toLowerCase())?.[1] : undefined;
    if (name === undefined) throw new GatewayError('bad_host');
    checkName(name, request);
  };
}
