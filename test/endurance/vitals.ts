/** How a server process is, asked through its inspector. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Vitals {
  /** Bytes of objects and of buffers, after a collection of garbage. */
  heap: number;
  /** Bytes of the whole process. */
  rss: number;
  /** What keeps the event loop busy: sockets, timers, servers, requests. */
  handles: number;
  /** Open files and sockets. */
  files: number;
  /** Milliseconds that the event loop was late since the last look: the 99th percentile. */
  lag: number;
}

export interface Inspector {
  look(): Promise<Vitals>;
  close(): void;
}

interface Answer {
  id: number;
  result: { result?: { value?: unknown }; exceptionDetails?: { text: string } };
}

/** Milliseconds. */
const PATIENCE = 20_000;
const START = `globalThis.lateness = process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay();
  lateness.enable();`;
/** The collection itself makes the event loop late: that is looked at before, and forgotten after. */
const LATENESS = 'lateness.percentile(99) / 1e6 - lateness.min / 1e6';
const LOOK = `({
  heap: process.memoryUsage().heapUsed + process.memoryUsage().external,
  rss: process.memoryUsage().rss,
  handles: process.getActiveResourcesInfo().length,
  files: process.getBuiltinModule('node:fs').readdirSync('/dev/fd').length,
  forgotten: lateness.reset(),
})`;

/** @param port of the inspector, on loopback */
export async function inspect(port: number): Promise<Inspector> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  const waiting = new Map<number, (result: Answer['result']) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as Answer;
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let calls = 0;

  async function call(method: string, params: object = {}): Promise<Answer['result']> {
    calls += 1;
    const id = calls;
    const answer = new Promise<Answer['result']>((resolve) => void waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const late = sleep(PATIENCE, undefined, { ref: false }).then(() => {
      throw new Error(`The inspector has not answered ${method} within ${PATIENCE} ms.`);
    });
    return Promise.race([answer, late]);
  }

  async function evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await call('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result?.value as T;
  }

  await evaluate(START);
  return {
    async look() {
      const lag = await evaluate<number>(LATENESS);
      await call('HeapProfiler.collectGarbage');
      const { heap, rss, handles, files } = await evaluate<Omit<Vitals, 'lag'>>(LOOK);
      return { heap, rss, handles, files, lag };
    },
    close: () => socket.close(),
  };
}
