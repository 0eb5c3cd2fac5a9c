/** The gateway with all that it does: keys, four counters with limits, metering, metrics, log files. */
import { join } from 'node:path';
import { createGateway } from '../../dist/index.js';
import { ready } from '../processes/child.mjs';
import { createKeys, gatewayConfig } from './gateway-config.mjs';
import { HOSTS } from './hosts.mjs';

const { UPSTREAM, STORE, HOST_KIND, DIRECTORY: directory } = process.env;

const store = STORE === 'sqlite' ? `sqlite:${join(directory, 'bench.db')}` : STORE;
const gateway = await createGateway({ config: gatewayConfig({ upstream: UPSTREAM, store, directory }) });
const keys = await createKeys(gateway);
ready({ url: await HOSTS[HOST_KIND](gateway), ...keys });
