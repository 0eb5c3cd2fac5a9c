/** The JavaScript of the documentation, block by block. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/**
 * How a block is run, as the word behind its `js` says:
 * - none: a module of its own, that ends or listens;
 * - `part`: goes on from the last whole block of its page;
 * - `commonjs`: a script for `require`;
 * - `test`: a file for `node --test`;
 * - `client`: a module that finds a gateway on http://127.0.0.1:8000 and a key in PARALLAMA_KEY.
 */
export const KINDS = ['', 'part', 'commonjs', 'test', 'client'] as const;
export type Kind = (typeof KINDS)[number];

export interface Snippet {
  /** `docs/koa.md:7`: the line of its first statement. */
  place: string;
  kind: string;
  code: string;
}

const FENCE = /^```(\w*)[ \t]*(.*)\n([\s\S]*?)^```$/gm;
const JAVASCRIPT = ['js', 'javascript', 'mjs', 'ts', 'typescript'];

export function snippets(): Snippet[] {
  const pages = readdirSync(join(REPOSITORY, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.map((name) => `docs/${name}`)].flatMap(inPage);
}

function inPage(page: string): Snippet[] {
  const text = readFileSync(join(REPOSITORY, page), 'utf8');
  const found: Snippet[] = [];
  let whole = '';
  for (const { 1: language = '', 2: info = '', 3: body = '', index } of text.matchAll(FENCE)) {
    if (!JAVASCRIPT.includes(language)) continue;
    const kind = info.trim();
    if (kind === '') whole = body;
    const code = kind === 'part' ? `${whole}{\n${body}}\nprocess.send('done');\n` : body;
    found.push({ place: `${page}:${text.slice(0, index).split('\n').length + 1}`, kind, code });
  }
  return found;
}
