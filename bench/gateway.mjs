/** The gateway with all that it does: a key, four counters with limits, metering, metrics, log files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway } from '../dist/index.js';
import { ready } from './child.mjs';
import { HOSTS } from './hosts.mjs';

const directory = mkdtempSync(join(tmpdir(), 'parallama-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const upstream = new URL(process.env.UPSTREAM);
const unreachable = 1_000_000_000;
const limits = {
  token_limit_daily: unreachable,
  token_limit_hourly: unreachable,
  request_limit_daily: unreachable,
  request_limit_hourly: unreachable,
};
const gateway = await createGateway({
  config: {
    api_gateways: {
      ollama: { host: `http://${upstream.hostname}`, port: Number(upstream.port) },
      openai: { model_mappings: { 'gpt-3.5-turbo': 'llama2' } },
    },
    store: { url: process.env.STORE === 'sqlite' ? `sqlite:${join(directory, 'bench.db')}` : 'memory:' },
    limits: { roles: { basic: { ollama: limits, openai: limits } } },
    logging: { directory: join(directory, 'log') },
  },
});
const user = await gateway.users.create({ username: 'bench', password: 'not-a-secret', role: 'basic' });
const { key } = await gateway.keys.generate(user);
const url = await HOSTS[process.env.HOST_KIND](gateway);
ready({ url, key });
