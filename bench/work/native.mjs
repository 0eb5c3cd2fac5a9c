import { bearer } from './chat.mjs';

const TOKENS = 10;

export default {
  name: 'native',
  title: 'Native pass-through',
  about: `\`/api/chat\`, streamed, ${TOKENS} tokens at once: Ollama's own bytes, metered on their way.`,
  subjects: ['direct', 'nginx', 'http-proxy-3', 'reply-from', 'memory', 'sqlite'],
  request: (subject) => ({
    path: `${subject.native}/chat`,
    headers: bearer(subject.key),
    body: JSON.stringify({
      model: 'llama2',
      messages: [{ role: 'user', content: 'Hello!' }],
      options: { num_predict: TOKENS },
    }),
  }),
  isRight: (text) => text.includes(`"eval_count":${TOKENS}`),
};
