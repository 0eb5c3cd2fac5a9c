import { chatRequest } from './chat.mjs';

const subjects = ['memory', 'sqlite', 'redis', 'postgres'];

export const refusedQuota = {
  name: 'refused-429',
  title: 'Refused: limit reached (429)',
  about: 'A user whose requests of the hour are used up.',
  subjects,
  status: 429,
  request: (subject) => chatRequest({ ...subject, key: subject.spentKey }),
  isRight: (text) => JSON.parse(text).error !== undefined,
};

export const refusedKey = {
  name: 'refused-401',
  title: 'Refused: wrong key (401)',
  about: 'A key that is well made and was revoked.',
  subjects,
  status: 401,
  request: (subject) => chatRequest({ ...subject, key: subject.revokedKey }),
  isRight: (text) => JSON.parse(text).error !== undefined,
};
