import { createGateway } from '../../core/gateway.js';
import type { Invocation } from '../command.js';
import { demoLines } from '../demo/lines.js';
import { CONFIG, demoConfig, freshKey, makeDirectory, STORE, USERNAME, writeConfig } from '../demo/setup.js';
import { type DemoUpstream, findUpstream } from '../demo/upstream.js';
import { listen, readPort } from '../listen.js';
import { bold, dim, note, print } from '../output.js';
import { stopSignal } from '../stop-signal.js';

/** Shown where Ollama has no model yet. */
const SUGGESTED_MODEL = 'llama3.2';

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const port = readPort(invocation) ?? 8000;
  const stopped = stopSignal();

  const upstream = await findUpstream(values.ollama);
  try {
    await runDemo(upstream, { port, stopped, json: flags.has('json') });
  } finally {
    await upstream.close();
  }
}

async function runDemo(
  upstream: DemoUpstream,
  { port, stopped, json }: { port: number; stopped: Promise<void>; json: boolean },
): Promise<void> {
  const model = upstream.model ?? SUGGESTED_MODEL;
  const config = demoConfig({ port, upstream: upstream.url, model });
  await makeDirectory();
  const gateway = await createGateway({ config });
  const server = await listen(gateway, { host: '127.0.0.1', port });
  try {
    const { url } = server;
    // Only now that the port is ours: the file and the key may be those of a demo that runs there.
    await writeConfig({ ...config, server: { ...config.server, port: server.port } });
    const key = await freshKey(gateway);
    if (json) {
      const simulated = upstream.version === undefined;
      print(JSON.stringify({ url, key, model, user: USERNAME, upstream: upstream.url, simulated }));
    } else {
      for (const notice of gateway.notices) note(dim(notice));
      introduce(url, upstream, model);
      for (const { title, lines } of demoLines({ url, key, model }))
        print(`\n${bold(`# ${title}`)}\n${lines}`);
    }
    await stopped;
    note('\nStopping.');
  } finally {
    await server.close();
  }
}

function introduce(url: string, upstream: DemoUpstream, model: string): void {
  print(`\n${bold(`Parallama listens on ${url}`)}   (Ctrl-C stops it)\n`);
  if (upstream.version === undefined) {
    print('No Ollama answers on this machine, so a SIMULATOR stands in for it: what it says');
    print('was learnt by heart. With Ollama running, start again.');
  } else {
    print(`Ollama ${upstream.version} answers at ${upstream.url}.`);
    if (upstream.model === undefined) print(`It has no model yet: run \`ollama pull ${model}\` first.`);
  }
  print(`User "${USERNAME}" (role premium) has a new key with every start.`);
  print(`Store ${STORE}, configuration ${CONFIG}.`);
  print('\nPaste into another terminal:');
}
