import { PASSWORD } from '../subjects/gateway-config.mjs';

export default {
  name: 'logins',
  title: 'Logins',
  about: 'A password checked with argon2id (19 MiB, two passes), a session made, tokens given.',
  subjects: ['memory', 'sqlite'],
  connections: 4,
  request: () => ({
    path: '/auth/login',
    body: JSON.stringify({ username: 'bench', password: PASSWORD }),
  }),
  isRight: (text) => typeof JSON.parse(text).access_token === 'string',
};
