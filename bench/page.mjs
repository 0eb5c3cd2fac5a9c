/** Puts what was measured into docs/performance.md, between the words that stand there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const PLACE = /(<!-- npm run bench -->\n)[\s\S]*?(<!-- end -->)/;

export function writePage(text) {
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(
    PAGE,
    page.replace(PLACE, (_all, start, end) => `${start}\n${text}\n\n${end}`),
  );
}
