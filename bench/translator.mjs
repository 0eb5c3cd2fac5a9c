/** The least that any translating gateway does: parse, rename, ask, parse, rebuild. No keys, no limits, no metering. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Agent, request } from 'undici';
import { ready } from './child.mjs';

const dispatcher = new Agent({ pipelining: 1 });

async function bodyOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

const server = createServer(async (req, res) => {
  const { messages, max_tokens, stream = false, model } = await bodyOf(req);
  const answer = await request(`${process.env.UPSTREAM}/api/chat`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'llama2', messages, stream, options: { num_predict: max_tokens } }),
  });
  const id = `chatcmpl-${randomUUID()}`;
  const created = Math.floor(Date.now() / 1000);
  if (!stream) {
    const native = await bodyOf(answer.body);
    const text = JSON.stringify({
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
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    res.end(text);
    return;
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  let rest = '';
  for await (const chunk of answer.body) {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop();
    let out = '';
    for (const line of lines) {
      const native = JSON.parse(line);
      const choice = {
        index: 0,
        delta: { content: native.message.content },
        finish_reason: native.done ? 'stop' : null,
      };
      out += `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [choice] })}\n\n`;
    }
    res.write(out);
  }
  res.end('data: [DONE]\n\n');
});
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }));
