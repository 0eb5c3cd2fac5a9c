import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the adapter uses of Koa's context. */
export interface KoaContext {
  req: IncomingMessage;
  res: ServerResponse;
  /** koa-bodyparser keeps the text beside what it has made of it. */
  request: { body?: unknown; rawBody?: unknown };
  url: string;
  ip: string;
  status: number;
  body: unknown;
  respond?: boolean;
  set(name: string, value: string | string[]): void;
}
