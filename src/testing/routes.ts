/** Which method and path leads where. */
import { chat } from './chat.js';
import { embed, embeddings } from './embeddings.js';
import { generate } from './generate.js';
import { addBlob, copy, create, hasBlob, me, ps, pull, push, remove, show, tags, version } from './manage.js';
import type { Handler } from './world.js';

const root: Handler = ({ reply }) =>
  reply.text(200, 'Ollama is running', { 'content-type': 'text/plain; charset=utf-8' });

/** A path that ends in `/` stands for all below it. */
const ROUTES: Record<string, Record<string, Handler>> = {
  '/': { GET: root, HEAD: root },
  '/api/version': { GET: version, HEAD: version },
  '/api/tags': { GET: tags, HEAD: tags },
  '/api/ps': { GET: ps },
  '/api/show': { POST: show },
  '/api/chat': { POST: chat },
  '/api/generate': { POST: generate },
  '/api/embed': { POST: embed },
  '/api/embeddings': { POST: embeddings },
  '/api/copy': { POST: copy },
  '/api/delete': { DELETE: remove },
  '/api/create': { POST: create },
  '/api/pull': { POST: pull },
  '/api/push': { POST: push },
  '/api/blobs/': { HEAD: hasBlob, POST: addBlob },
  '/api/me': { POST: me },
};

export type Found = { handler: Handler; rest: string } | { allow: string } | undefined;

/** The handler, the methods that the path has instead, or undefined where there is no such path. */
export function find(method: string, path: string): Found {
  const [, parent = '', rest = ''] = /^(.*\/)([^/]*)$/.exec(path) ?? [];
  const open = parent !== '/' && rest !== '' ? ROUTES[parent] : undefined;
  const methods = ROUTES[path] ?? open;
  if (!methods) return undefined;
  const handler = methods[method];
  return handler ? { handler, rest } : { allow: Object.keys(methods).join(', ') };
}
