/** An Ollama that answers every chat alike, from memory: it costs as little as it can. */
import { createServer } from 'node:http';
import { ready } from './child.mjs';

const WORDS = ['Hi', '!', ' How', ' can', ' I', ' help', ' you', ' today', '?'];
const at = '2026-01-01T00:00:00.000000000Z';
const line = (content, rest) =>
  JSON.stringify({
    model: 'llama2',
    created_at: at,
    message: { role: 'assistant', content },
    done: false,
    ...rest,
  });
const END = {
  done: true,
  done_reason: 'stop',
  total_duration: 19075865,
  load_duration: 1803592,
  prompt_eval_count: 10,
  prompt_eval_duration: 905148,
  eval_count: 10,
  eval_duration: 14935581,
};

const whole = Buffer.from(line(WORDS.join(''), END));
const stream = Buffer.from(`${[...WORDS.map((word) => line(word)), line('', END)].join('\n')}\n`);

const server = createServer((req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const streamed = !Buffer.concat(chunks).includes('"stream":false');
    res.writeHead(200, {
      'content-type': streamed ? 'application/x-ndjson' : 'application/json; charset=utf-8',
      'content-length': streamed ? stream.length : whole.length,
    });
    res.end(streamed ? stream : whole);
  });
});
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }));
