/** An Ollama made by hand: a bare socket that has read one request, and does to it whatever a test wants. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Answers one request. What it throws is lost: the gateway may have gone meanwhile. */
export type Script = (socket: Socket) => unknown;

export interface RawUpstream {
  port: number;
  /** What the next requests meet. */
  script: Script;
  /** Each request as it came, head and body. */
  readonly requests: string[];
  /** Connections that are open. */
  readonly open: number;
  close(): Promise<void>;
}

const HEAD_END = '\r\n\r\n';

export async function startRawUpstream(): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let script: Script = () => {};

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const end = text.indexOf(HEAD_END);
      if (end === -1) return;
      const length = Number(/^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + HEAD_END.length + length) return;
      requests.push(text);
      text = '';
      void Promise.resolve()
        .then(() => script(socket))
        .catch(() => {});
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get script() {
      return script;
    },
    set script(next) {
      script = next;
    },
    get open() {
      return sockets.size;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Writes as fast as it is read, until the other side has had enough. @returns bytes written */
export async function flood(socket: Socket, piece: Buffer, most: number): Promise<number> {
  let written = 0;
  while (!socket.destroyed && written < most) {
    written += piece.length;
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  return written;
}
