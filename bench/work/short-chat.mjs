import { chatRequest, spokenIn } from './chat.mjs';

const TOKENS = 10;

export const shortChat = {
  name: 'short-chat',
  title: 'Short chat',
  about: `A prompt of one word, an answer of ${TOKENS} tokens that the upstream has at once.`,
  subjects: [
    ...['direct', 'nginx', 'http-proxy-3', 'reply-from', 'translator', 'portkey'],
    ...['memory', 'sqlite', 'redis', 'postgres'],
  ],
  request: (subject) => chatRequest(subject),
  isRight: (text) => JSON.parse(text).usage.completion_tokens === TOKENS,
};

export const shortStream = {
  name: 'short-stream',
  title: 'Short chat, streamed',
  about: `The same, streamed; the upstream writes its ${TOKENS} tokens at once, each as a chunk.`,
  // Portkey waits before its first chunk: a closed loop would measure that.
  subjects: shortChat.subjects.filter((name) => name !== 'portkey'),
  request: (subject) => chatRequest(subject, { stream: true }),
  isRight: (text) => spokenIn(text) === TOKENS,
};
