/** What people and programs see: results on standard output, everything else on standard error. */
import { styleText } from 'node:util';

export const print = (text: string) => void process.stdout.write(`${text}\n`);

/** Standard error: not part of the result. */
export const note = (text: string) => void process.stderr.write(`${text}\n`);

/** JSON itself escapes the control characters below U+0020 only, and terminals obey those of C1 too. */
export const printJson = (value: unknown) =>
  print(JSON.stringify(value, null, 2).replace(/[\u007f-\u009f]/g, escaped));

const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** On a terminal only, and not with NO_COLOR. */
export const bold = (text: string) => styleText('bold', text);
export const dim = (text: string) => styleText('dim', text);

/** Aligned columns under a head. */
export function table(head: string[], rows: string[][]): string {
  const [first = '', ...rest] = align([head, ...rows]);
  return [bold(first), ...rest].join('\n');
}

/** Names with their values, one a line. */
export const fields = (entries: [name: string, value: string][]) => align(entries).join('\n');

/** `2026-11-23 04:05`, in UTC. */
export const time = (iso: string) => iso.slice(0, 16).replace('T', ' ');

export const count = (value: number | null) => (value === null ? 'unlimited' : value.toLocaleString('en-US'));

function align(rows: string[][]): string[] {
  const clean = rows.map((row) => row.map(printable));
  const widths =
    clean[0]?.map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0))) ?? [];
  return clean.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

// Names of keys come from users, and control characters in them would reach the operator's terminal.
const printable = (text: string) => text.replace(/\p{Cc}/gu, '?');
