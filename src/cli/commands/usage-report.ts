import type { UserReport } from '../../core/usage/report.js';
import { readChoice } from '../choice.js';
import type { Invocation } from '../command.js';
import { csvLine } from '../csv.js';
import { readSpan } from '../dates.js';
import { gatewayNamed } from '../gateway-name.js';
import { count, note, print, printJson, table } from '../output.js';
import { withAdmin } from '../with-admin.js';

const FORMATS = ['table', 'json', 'csv'] as const;
const DAYS = 30;

const COLUMNS = [
  'user_id',
  'username',
  'requests',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'errors',
  'aborted',
  'latency_ms',
] as const satisfies (keyof UserReport)[];

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const format = readChoice('format', values.format ?? (flags.has('json') ? 'json' : 'table'), FORMATS);
  const gateway = values.gateway === undefined ? undefined : gatewayNamed(values.gateway);
  const { start, end, span } = readSpan(invocation, { days: DAYS });
  await withAdmin(invocation, async (admin) => {
    const rows = await admin.reports.byUser({ ...span, gateway });
    if (format === 'json') return printJson(rows);
    if (format === 'csv') {
      print([csvLine(COLUMNS), ...rows.map((row) => csvLine(COLUMNS.map((name) => row[name])))].join('\n'));
      return;
    }
    const where = gateway === undefined ? '' : ` on ${gateway}`;
    if (rows.length === 0) return note(`Nothing was used${where} from ${start} to ${end}.`);
    print(table(HEAD, [...rows.map(tableRow), totalRow(rows)]));
    note(`From ${start} to ${end} (UTC)${where}.`);
  });
}

const HEAD = ['USERNAME', 'REQUESTS', 'PROMPT', 'COMPLETION', 'TOKENS', 'ERRORS', 'ABORTED', 'LATENCY'];

const figures = (row: Omit<UserReport, 'user_id' | 'username' | 'latency_ms'>) =>
  [row.requests, row.prompt_tokens, row.completion_tokens, row.total_tokens, row.errors, row.aborted].map(
    count,
  );

const tableRow = (row: UserReport) => [
  row.username ?? row.user_id,
  ...figures(row),
  `${count(row.latency_ms)} ms`,
];

function totalRow(rows: UserReport[]): string[] {
  const sum = (name: Exclude<(typeof COLUMNS)[number], 'user_id' | 'username'>) =>
    rows.reduce((total, row) => total + row[name], 0);
  return [
    'Total',
    ...figures({
      requests: sum('requests'),
      prompt_tokens: sum('prompt_tokens'),
      completion_tokens: sum('completion_tokens'),
      total_tokens: sum('total_tokens'),
      errors: sum('errors'),
      aborted: sum('aborted'),
    }),
    '',
  ];
}
