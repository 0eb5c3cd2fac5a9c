/** An app whose users sign in with a header of its own. */
import type { Authenticate } from '../../src/core/contract.js';
import { send } from '../support/gateway.js';

/** `x-app-user: ann:basic` is user `app-ann` with role basic. */
export const appUsers: Authenticate = ({ headers }) => {
  const [username, role] = String(headers['x-app-user'] ?? '').split(':');
  return username && role ? { id: `app-${username}`, username, role } : undefined;
};

export const as = (username: string, role = 'basic') => ({ 'x-app-user': `${username}:${role}` });

export const hello = { model: 'llama2', messages: [{ role: 'user', content: 'Hello!' }] };

export const chat = (url: string, headers: Record<string, string>, body: unknown = hello) =>
  send(url, '/openai/v1/chat/completions', { headers, body });
