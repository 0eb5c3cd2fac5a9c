/** Requests that a client sends without waiting for answers (pipelining) are begun one after another. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on one connection; a client that sends more at once is disconnected. */
export const MAX_PIPELINED = 32;

export interface Turns {
  /**
   * Undefined if no earlier request of the connection is unanswered. Otherwise resolves when the earlier answers have
   * been sent: true, or false if the connection has closed meanwhile.
   */
  wait(req: IncomingMessage, res: ServerResponse): Promise<boolean> | undefined;
}

/**
 * Node parses and hands out all the requests of a packet at once. Begun at once, a thousand of them would take the
 * memory and the time of a thousand clients.
 */
export function createTurns(): Turns {
  const waiting = new WeakMap<Socket, number>();
  const gone = Promise.resolve(false);

  return {
    wait(req, res) {
      // A response has no socket while another one is sent on it.
      if (res.socket !== null || res.writableEnded) return undefined;
      const { socket } = req;
      const ahead = (waiting.get(socket) ?? 0) + 1;
      if (ahead > MAX_PIPELINED) socket.destroy();
      if (socket.destroyed) return gone;
      waiting.set(socket, ahead);
      return new Promise((resolve) => {
        const settle = (turn: boolean) => {
          res.off('socket', onTurn);
          req.off('close', onClose);
          waiting.set(socket, waiting.get(socket)! - 1);
          resolve(turn);
        };
        const onTurn = () => settle(true);
        const onClose = () => settle(false);
        res.once('socket', onTurn);
        req.once('close', onClose);
      });
    },
  };
}
