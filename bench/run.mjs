/**
 * What the gateway costs: the full path (key, four counters, metering, metrics, log) against a bare undici translator
 * that does nothing but parse and rebuild the JSON, in the same run, in turn.
 *
 *   npm run bench                      5 rounds of 4 seconds each
 *   npm run bench -- --rounds 3 --seconds 2 --connections 32
 *   npm run bench -- --hosts           what each adapter costs beside the bare core
 *
 * Each subject is one process. The upstream answers from memory, in a process of its own. Requests per second depend
 * on what else the machine does; CPU per request, read from the subject itself, hardly does.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '32' },
    hosts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);

const children = [];

/** Starts a process of this folder; resolves with what it says first. */
function start(file, env) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, ...message }));
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}

/** Microseconds of CPU that the process has used so far. */
function cpu(child) {
  return new Promise((resolve) => {
    child.once('message', resolve);
    child.send('cpu');
  });
}

const BODY = JSON.stringify({
  model: 'gpt-3.5-turbo',
  messages: [{ role: 'user', content: 'Hello!' }],
  max_tokens: 100,
});

async function load(pool, headers, duration, stream) {
  const body = stream ? BODY.replace('{', '{"stream":true,') : BODY;
  const end = performance.now() + duration;
  let count = 0;
  const one = async () => {
    while (performance.now() < end) {
      const answer = await pool.request({
        method: 'POST',
        path: '/openai/v1/chat/completions',
        headers,
        body,
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return count;
}

async function measure(subject, stream) {
  const pool = new Pool(subject.url, { connections, pipelining: 1 });
  const headers = {
    'content-type': 'application/json',
    ...(subject.key && { authorization: `Bearer ${subject.key}` }),
  };
  await load(pool, headers, 500, stream);
  const before = await cpu(subject.child);
  const started = performance.now();
  const count = await load(pool, headers, seconds * 1_000, stream);
  const elapsed = (performance.now() - started) / 1_000;
  const used = (await cpu(subject.child)) - before;
  await pool.close();
  return { rate: count / elapsed, cpu: used / count };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

try {
  const upstream = await start('upstream.mjs');
  const gateway = (store, host) =>
    start('gateway.mjs', { UPSTREAM: upstream.url, STORE: store, HOST_KIND: host });
  const subjects = values.hosts
    ? {
        core: await gateway('memory', 'core'),
        server: await gateway('memory', 'server'),
        express: await gateway('memory', 'express'),
        koa: await gateway('memory', 'koa'),
        fastify: await gateway('memory', 'fastify'),
      }
    : {
        'bare translator': await start('translator.mjs', { UPSTREAM: upstream.url }),
        'parallama, sqlite': await gateway('sqlite', 'server'),
        'parallama, memory': await gateway('memory', 'server'),
      };
  // The first is what the others are held against.
  const [baseline] = Object.keys(subjects);
  const report = [];
  for (const stream of [false, true]) {
    const results = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, subject] of Object.entries(subjects))
        results[name].push(await measure(subject, stream));
    }
    const base = results[baseline];
    for (const [name, runs] of Object.entries(results)) {
      report.push({
        work: stream ? 'short chat, streamed' : 'short chat',
        subject: name,
        'requests/s': Math.round(median(runs.map(({ rate }) => rate))),
        'CPU us/request': Math.round(median(runs.map(({ cpu: used }) => used))),
        [`of ${baseline} (requests/s)`]: Number(
          median(runs.map(({ rate }, i) => rate / base[i].rate)).toFixed(2),
        ),
        [`of ${baseline} (CPU)`]: Number(
          median(runs.map(({ cpu: used }, i) => used / base[i].cpu)).toFixed(2),
        ),
      });
    }
  }
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(
      `Node ${process.version}, ${connections} connections, median of ${rounds} rounds of ${seconds} s`,
    );
    console.table(report);
  }
} finally {
  for (const child of children) child.kill();
}
