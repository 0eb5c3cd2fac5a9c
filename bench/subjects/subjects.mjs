/**
 * What is measured. Each `start` resolves with where the subject listens and with its pid; `openai` and `native` are
 * where it has the two dialects. An optional one that cannot be had is left out, and said to be.
 */
import { readFileSync } from 'node:fs';
import { newDirectory } from '../directories.mjs';
import { startOwn } from '../processes/start.mjs';
import { startNginx } from './nginx.mjs';
import { PORTKEY, startPortkey } from './portkey.mjs';
import { startWorkers } from './workers.mjs';

const PASSING = { openai: '/v1', native: '/api' };
const OURS = { openai: '/openai/v1', native: '/ollama/api' };

const versionOf = (name) => {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
};

const script =
  (file) =>
  ({ upstream }) =>
    startOwn(`subjects/${file}`, { UPSTREAM: upstream.url });

/** What the unit that `install` writes starts Node with. */
function installed() {
  const unit = readFileSync(new URL('../../deploy/parallama.service', import.meta.url), 'utf8');
  const [, flags] = /^ExecStart=\S+ ((?:--\S+ )+)/m.exec(unit);
  const variables = [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  return { NODE_OPTIONS: flags.trim(), ...Object.fromEntries(variables) };
}

const gateway =
  (store, host, more = {}) =>
  async ({ upstream, services }) => {
    const server = await services[store]?.();
    const env = {
      UPSTREAM: upstream.url,
      STORE: server?.url ?? store,
      HOST_KIND: host,
      DIRECTORY: newDirectory(),
      ...more,
    };
    return { ...(await startOwn('subjects/gateway.mjs', env)), storePid: server?.pid };
  };

export const SUBJECTS = {
  direct: { title: 'direct, no gateway', ...PASSING, start: ({ upstream }) => upstream },
  nginx: { title: 'nginx', ...PASSING, start: startNginx, optional: true },
  'http-proxy-3': {
    title: `http-proxy-3 ${versionOf('http-proxy-3')}`,
    ...PASSING,
    start: script('http-proxy.mjs'),
  },
  'reply-from': {
    title: `@fastify/reply-from ${versionOf('@fastify/reply-from')}`,
    ...PASSING,
    start: script('reply-from.mjs'),
  },
  translator: { title: 'bare translator', openai: '/openai/v1', start: script('translator.mjs') },
  portkey: { title: `Portkey ${PORTKEY}`, ...PASSING, start: startPortkey, optional: true },
  memory: { title: 'Parallama, memory', ...OURS, start: gateway('memory:', 'server') },
  sqlite: { title: 'Parallama, SQLite', ...OURS, start: gateway('sqlite', 'server') },
  installed: {
    title: 'Parallama, SQLite, as installed',
    ...OURS,
    start: gateway('sqlite', 'server', installed()),
  },
  redis: { title: 'Parallama, Redis', ...OURS, start: gateway('redis', 'server'), optional: true },
  postgres: {
    title: 'Parallama, PostgreSQL',
    ...OURS,
    start: gateway('postgres', 'server'),
    optional: true,
  },
  core: { title: 'core alone', ...OURS, start: gateway('memory:', 'core') },
  express4: { title: 'Express 4', ...OURS, start: gateway('memory:', 'express4') },
  express: { title: 'Express 5', ...OURS, start: gateway('memory:', 'express') },
  koa: { title: 'Koa', ...OURS, start: gateway('memory:', 'koa') },
  fastify: { title: 'Fastify', ...OURS, start: gateway('memory:', 'fastify') },
  'one-worker': {
    title: 'one worker',
    ...OURS,
    start: (context) => startWorkers({ ...context, workers: 1 }),
  },
  'two-workers': {
    title: 'two workers',
    ...OURS,
    start: (context) => startWorkers({ ...context, workers: 2 }),
  },
};

/** Starts each subject when it is first asked for; it then runs until the end. Undefined where it cannot be had. */
export function createCast(context) {
  const cast = new Map();
  const missing = new Map();

  async function start(name) {
    const { start, optional, ...about } = SUBJECTS[name];
    try {
      return { name, ...about, ...(await start(context)) };
    } catch (error) {
      if (!optional) throw error;
      missing.set(name, { title: about.title, reason: error.message });
      console.error(`Left out: ${about.title}. ${error.message}`);
      return undefined;
    }
  }

  return {
    /** Why some are left out. */
    missing,
    get(name) {
      if (!cast.has(name)) cast.set(name, start(name));
      return cast.get(name);
    },
    /** One that has not worked yet. */
    fresh: start,
  };
}
