import { bearer } from './chat.mjs';

const ITEMS = 2_048;
const input = Array.from({ length: ITEMS }, (_, i) => `word ${i}`);

export default {
  name: 'embeddings',
  title: 'Embeddings of 2,048 items',
  about: 'One request with 2,048 texts, answered with as many vectors of 384 numbers.',
  subjects: ['direct', 'translator', 'memory', 'sqlite'],
  connections: 4,
  request: (subject) => ({
    // The upstream has embeddings in its own dialect alone.
    path: subject.name === 'direct' ? '/api/embed' : `${subject.openai}/embeddings`,
    headers: bearer(subject.key),
    body: JSON.stringify({ model: 'gpt-3.5-turbo', input, encoding_format: 'float' }),
  }),
  isRight(text) {
    const { data, embeddings = data } = JSON.parse(text);
    return embeddings.length === ITEMS;
  },
};
