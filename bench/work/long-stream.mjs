import { chatRequest, spokenIn } from './chat.mjs';

const TOKENS = 200;

export default {
  name: 'long-stream',
  title: 'Streamed chat of 200 tokens',
  about:
    'Tokens come one by one, 5 ms apart, as a model gives them. So the rate is the model’s: what counts is CPU, which ' +
    'is per token here.',
  subjects: ['direct', 'nginx', 'reply-from', 'translator', 'memory', 'sqlite', 'redis', 'postgres'],
  pace: 5,
  connections: 48,
  per: { name: 'token', count: TOKENS },
  request: (subject) => chatRequest(subject, { stream: true, max_tokens: TOKENS }),
  isRight: (text) => spokenIn(text) === TOKENS,
};
