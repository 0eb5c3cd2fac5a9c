/** The kinds of work, in the order of the report. Each is one file. */
import embeddings from './embeddings.mjs';
import hosts from './hosts.mjs';
import logins from './logins.mjs';
import longPrompts from './long-prompts.mjs';
import longStream from './long-stream.mjs';
import native from './native.mjs';
import { refusedKey, refusedQuota } from './refused.mjs';
import { shortChat, shortStream } from './short-chat.mjs';

export const WORK = [
  shortChat,
  shortStream,
  longStream,
  native,
  hosts,
  embeddings,
  longPrompts,
  refusedQuota,
  refusedKey,
  logins,
];
