import { isLoopback, socketPath } from '../adapters/address.js';
import { type RunningServer, serve } from '../adapters/server.js';
import type { Gateway } from '../core/gateway.js';
import type { Invocation } from './command.js';
import { UsageError } from './errors.js';

export interface Address {
  host: string;
  port: number;
}

/**
 * Serves the gateway; closing the server closes it too.
 * @throws Error that says what to do where the address cannot be listened on
 */
export async function listen(gateway: Gateway, address: Address): Promise<RunningServer> {
  try {
    return await serve(gateway, address);
  } catch (error) {
    await gateway.close();
    throw explained(error, address);
  }
}

/** The option `--port`. @throws UsageError */
export function readPort({ values }: Invocation): number | undefined {
  if (values.port === undefined) return undefined;
  const port = Number(values.port);
  if (/^\d+$/.test(values.port) && port <= 65_535) return port;
  throw new UsageError(`Option "--port" is "${values.port}"; expected a number from 0 to 65535.`);
}

/** Whether only this machine reaches it. */
export const isLocalOnly = (host: string) => isLoopback(host) || socketPath(host) !== undefined;

function explained(error: unknown, { host, port }: Address): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const path = socketPath(host);
  if (path !== undefined) {
    if (code === 'EADDRINUSE')
      return new Error(`Something listens on ${path} already, or it is no socket.`, { cause: error });
    if (code !== '')
      return new Error(`The socket ${path} cannot be made (${code}). Choose another place.`, {
        cause: error,
      });
  }
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is in use. Stop what listens there, or choose another with --port.`,
    EACCES: `This user may not listen on port ${port}. Choose one above 1023 with --port.`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Choose another host.`,
    ENOTFOUND: `There is no host ${host}. Choose another.`,
  };
  if (reasons[code]) return new Error(reasons[code], { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
