/**
 * The least that any translating gateway does: parse, rename, ask over kept connections, parse, rebuild. No keys, no
 * limits, no metering, no log, no errors. Streaming, it is the bare relay from lines of JSON to events. It is written
 * as one writes it, with undici's `request`.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { ready } from '../processes/child.mjs';

const KEEP_ALIVE = 75_000;
const upstream = new Pool(process.env.UPSTREAM, { connections: null, pipelining: 1, bodyTimeout: 0 });

const ask = (path, body) =>
  upstream.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

function bodyOf(req) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    req.on('error', reject);
  });
}

function sendJson(res, value) {
  const text = JSON.stringify(value);
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

async function chat(req, res) {
  const { messages, max_tokens, stream = false, model } = await bodyOf(req);
  const options = { num_predict: max_tokens };
  const answer = await ask('/api/chat', { model: 'llama2', messages, stream, options });
  const id = `chatcmpl-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1_000);
  if (stream) return relay(answer.body, res, { id, object: 'chat.completion.chunk', created, model });
  const native = await answer.body.json();
  return sendJson(res, {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      { index: 0, message: { role: 'assistant', content: native.message.content }, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: native.prompt_eval_count,
      completion_tokens: native.eval_count,
      total_tokens: native.prompt_eval_count + native.eval_count,
    },
  });
}

function relay(body, res, frame) {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  let rest = '';
  body.setEncoding('utf8');
  body.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    let out = '';
    for (const line of lines) {
      const { message, done } = JSON.parse(line);
      const choice = { index: 0, delta: { content: message.content }, finish_reason: done ? 'stop' : null };
      out += `data: ${JSON.stringify({ ...frame, choices: [choice] })}\n\n`;
    }
    if (out !== '') res.write(out);
  });
  body.on('end', () => res.end('data: [DONE]\n\n'));
}

async function embed(req, res) {
  const { input, model } = await bodyOf(req);
  const answer = await ask('/api/embed', { model: 'llama2', input });
  const { embeddings, prompt_eval_count: tokens } = await answer.body.json();
  sendJson(res, {
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

const server = createServer((req, res) =>
  req.url.endsWith('/embeddings') ? embed(req, res) : chat(req, res),
);
server.keepAliveTimeout = KEEP_ALIVE;
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }));
