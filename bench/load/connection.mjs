/** A client's connection that is kept, and opened again where the server has closed it between two requests. */
import { connect } from 'node:net';
import { messageReader } from '../wire.mjs';

/** Milliseconds without a byte in either direction. */
const PATIENCE = 60_000;

/**
 * @returns `send(bytes, onBytes)`, which resolves with the status and, where kept, the body; and `close()`, which lets
 *   what is under way fail
 */
export function openConnection({ hostname, port }, { keepBody = false } = {}) {
  let socket;
  let waiting;

  function fail(error) {
    const { reject } = waiting ?? {};
    waiting = undefined;
    socket = undefined;
    reject?.(error);
  }

  function open() {
    const opened = connect(Number(port), hostname);
    opened.setNoDelay(true);
    opened.setTimeout(PATIENCE, () => opened.destroy(new Error('The server says nothing.')));
    const read = messageReader({
      keepBody,
      onMessage({ head, body }) {
        const { resolve } = waiting;
        waiting = undefined;
        resolve({ status: Number(head.slice(9, 12)), body });
      },
    });
    opened.on('data', (bytes) => {
      // Before the message may end with it.
      waiting?.onBytes?.(bytes);
      read(bytes);
    });
    opened.on('error', (error) => opened === socket && fail(error));
    opened.on('close', () => opened === socket && fail(new Error('The server closed the connection.')));
    return opened;
  }

  return {
    send(bytes, onBytes) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject, onBytes };
        socket ??= open();
        socket.write(bytes);
      });
    },
    close() {
      socket?.destroy();
      fail(new Error('Closed.'));
    },
  };
}
