/**
 * What the project has promised itself. Each gives rows: what is wanted, what was measured, in which unit, and whether
 * that is at least or at most the limit.
 */
import addedLatency from './added-latency.mjs';
import firstToken from './first-token.mjs';
import logins from './logins.mjs';
import openStreams from './open-streams.mjs';
import refused from './refused.mjs';
import shortChat from './short-chat.mjs';
import streamCpu from './stream-cpu.mjs';
import workers from './workers.mjs';

export const TARGETS = [
  shortChat,
  streamCpu,
  addedLatency,
  firstToken,
  openStreams,
  logins,
  refused,
  workers,
];
