import { shortChat } from './short-chat.mjs';

export default {
  ...shortChat,
  name: 'hosts',
  title: 'Short chat, by adapter',
  about: 'What each adapter costs beside the bare core, all on the store in memory.',
  subjects: ['core', 'memory', 'express4', 'express', 'koa', 'fastify'],
  baseline: 'core',
};
