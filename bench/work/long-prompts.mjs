import { chatRequest } from './chat.mjs';
import { shortChat } from './short-chat.mjs';

const content = 'A prompt of a megabyte. '.repeat(1_000_000 / 24);

export default {
  name: 'long-prompts',
  title: 'Prompts of 1 MB',
  about: 'A short answer to a prompt of a megabyte.',
  subjects: ['direct', 'nginx', 'http-proxy-3', 'reply-from', 'translator', 'memory', 'sqlite'],
  connections: 8,
  request: (subject) => chatRequest(subject, { content }),
  isRight: shortChat.isRight,
};
