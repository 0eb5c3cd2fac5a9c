/** Portkey's gateway, of the same kind as ours: Node, translating, one process. No accounts and no quotas. */
import { startForeign } from '../processes/start.mjs';
import { freePort } from '../services.mjs';

export const PORTKEY = '1.15.2';

/** npx fetches it into its own cache on the first run. */
export async function startPortkey({ upstream }) {
  const port = await freePort();
  const server = await startForeign(
    'npx',
    ['--yes', `@portkey-ai/gateway@${PORTKEY}`, '--headless', `--port=${port}`],
    {
      url: `http://127.0.0.1:${port}`,
      stdio: 'ignore',
    },
  );
  return {
    ...server,
    headers: { 'x-portkey-provider': 'ollama', 'x-portkey-custom-host': upstream.url },
  };
}
