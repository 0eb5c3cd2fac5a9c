/**
 * An Ollama that answers every request alike, from memory, in its own dialect and in OpenAI's; it costs as little as it
 * can. `max_tokens` says how many tokens an answer has. They come at once, or one by one where a pace was set.
 */
import { createServer } from 'node:net';
import { ready } from './processes/child.mjs';
import { chunk, END_OF_CHUNKS, messageReader } from './wire.mjs';

const WORDS = [' How', ' can', ' I', ' help', ' you', ' today', '?', ' Well', ',', ' so'];
const PROMPT_TOKENS = 10;
const DIMENSIONS = 384;
const at = '2026-01-01T00:00:00.000000000Z';

const word = (i) => WORDS[i % WORDS.length];
const wholeText = (tokens) => Array.from({ length: tokens }, (_, i) => word(i)).join('');

const figures = (tokens) => ({
  done_reason: 'stop',
  total_duration: 19_075_865,
  load_duration: 1_803_592,
  prompt_eval_count: PROMPT_TOKENS,
  prompt_eval_duration: 905_148,
  eval_count: tokens,
  eval_duration: 14_935_581,
});
const native = (content, done, rest) => ({
  model: 'llama2',
  created_at: at,
  message: { role: 'assistant', content },
  done,
  ...rest,
});
const openai = (object, choice, rest) => ({
  id: 'chatcmpl-1',
  object,
  created: 1_767_225_600,
  model: 'llama2',
  choices: [{ index: 0, ...choice }],
  ...rest,
});
const usage = (tokens) => ({
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: tokens,
  total_tokens: PROMPT_TOKENS + tokens,
});

const DIALECTS = {
  native: {
    type: 'application/x-ndjson',
    whole: (tokens) => JSON.stringify(native(wholeText(tokens), true, figures(tokens))),
    piece: (i) => `${JSON.stringify(native(word(i), false))}\n`,
    last: (tokens) => `${JSON.stringify(native('', true, figures(tokens)))}\n`,
  },
  openai: {
    type: 'text/event-stream',
    whole: (tokens) =>
      JSON.stringify(
        openai(
          'chat.completion',
          { message: { role: 'assistant', content: wholeText(tokens) }, finish_reason: 'stop' },
          { usage: usage(tokens) },
        ),
      ),
    piece: (i) =>
      `data: ${JSON.stringify(openai('chat.completion.chunk', { delta: { content: word(i) }, finish_reason: null }))}\n\n`,
    last: () =>
      `data: ${JSON.stringify(openai('chat.completion.chunk', { delta: {}, finish_reason: 'stop' }))}\n\ndata: [DONE]\n\n`,
  },
};

const withLength = (text) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );

/** Remembers what was made: answers are few. */
function once(make) {
  const made = new Map();
  return (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
}

const ANSWERS = Object.fromEntries(
  Object.entries(DIALECTS).map(([name, { type, whole, piece, last }]) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const pieces = once((i) => Buffer.from(chunk(piece(i))));
    const end = once((tokens) => Buffer.from(chunk(last(tokens)) + END_OF_CHUNKS));
    return [
      name,
      {
        whole: once((tokens) => withLength(whole(tokens))),
        head: Buffer.from(head),
        piece: pieces,
        end,
        stream: once((tokens) =>
          Buffer.concat([
            Buffer.from(head),
            ...Array.from({ length: tokens }, (_, i) => pieces(i)),
            end(tokens),
          ]),
        ),
      },
    ];
  }),
);

const embeddings = once((count) => {
  const vector = Array.from({ length: DIMENSIONS }, (_, i) => Number(Math.sin(i).toFixed(8)));
  const timing = { total_duration: 19_075_865, load_duration: 1_803_592, prompt_eval_count: count * 2 };
  return withLength(JSON.stringify({ model: 'llama2', embeddings: Array(count).fill(vector), ...timing }));
});
const OTHER = {
  '/api/version': withLength('{"version":"0.24.0"}'),
  '/api/tags': withLength(JSON.stringify({ models: [{ name: 'llama2', model: 'llama2' }] })),
  '/api/ps': withLength('{"models":[]}'),
  '/api/show': withLength(
    '{"details":{},"model_info":{"llama.context_length":4096},"capabilities":["completion"]}',
  ),
};

/** Milliseconds between two tokens of an answer; 0 gives all at once. */
let pace = 0;
/** Running answers, by the millisecond in which their next token is due. */
let due = [];
let now = 0;

/** One timer for all answers, which start at different times and so do not speak in chorus. */
function tick() {
  const end = Math.floor(performance.now());
  for (; now < end; now += 1) {
    const slot = now % pace;
    due[slot] = due[slot].filter((speak) => speak());
  }
}
let timer;
process.on('message', (message) => {
  if (message.pace === undefined) return;
  pace = message.pace;
  due = Array.from({ length: pace }, () => []);
  clearInterval(timer);
  now = Math.floor(performance.now());
  if (pace > 0) timer = setInterval(tick, 1);
});

function speakSlowly(socket, answer, tokens) {
  let said = 1;
  socket.cork();
  socket.write(answer.head);
  socket.write(answer.piece(0));
  socket.uncork();
  due[Math.floor(performance.now()) % pace].push(() => {
    if (socket.destroyed) return false;
    if (said === tokens) {
      socket.write(answer.end(tokens));
      return false;
    }
    socket.write(answer.piece(said));
    said += 1;
    return true;
  });
}

/** The number behind a key of the body, without parsing what may be a megabyte. */
function numberIn(body, key) {
  const start = body.indexOf(key);
  return start < 0
    ? undefined
    : Number.parseInt(body.subarray(start + key.length, start + key.length + 12).toString('latin1'), 10);
}

function answerTo(socket, { head, body }) {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
  if (path === '/api/embed') return socket.write(embeddings(inputsOf(body)));
  if (OTHER[path]) return socket.write(OTHER[path]);
  const isNative = path.startsWith('/api/');
  const answer = ANSWERS[isNative ? 'native' : 'openai'];
  const tokens = numberIn(body, isNative ? '"num_predict":' : '"max_tokens":') ?? WORDS.length;
  // Ollama streams where nothing is said, OpenAI does not.
  const streamed = isNative ? !body.includes('"stream":false') : body.includes('"stream":true');
  if (!streamed) return socket.write(answer.whole(tokens));
  if (pace === 0) return socket.write(answer.stream(tokens));
  return speakSlowly(socket, answer, tokens);
}

function inputsOf(body) {
  const start = body.indexOf('{');
  return JSON.parse(body.subarray(start, body.lastIndexOf('}') + 1).toString()).input.length;
}

const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', messageReader({ keepBody: true, onMessage: (message) => answerTo(socket, message) }));
});
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }));
