/** Parallama as a server of its own, started from a program instead of by `parallama-cli serve`. */
import { createGateway } from 'parallama';
import { serve } from 'parallama/server';

const gateway = await createGateway();
for (const notice of gateway.notices) console.error(notice);

gateway.on('usage', ({ identity, model, promptTokens, completionTokens }) => {
  console.log(`${identity} has used ${promptTokens + completionTokens} tokens of ${model}`);
});

const server = await serve(gateway, { port: Number(process.env.PORT ?? 8000) });
console.log(server.url);

process.once('SIGTERM', () => server.close());
