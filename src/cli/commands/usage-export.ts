import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExportRow } from '../../core/usage/report.js';
import { readChoice } from '../choice.js';
import type { Invocation } from '../command.js';
import { csvLine } from '../csv.js';
import { readSpan } from '../dates.js';
import { gatewayNamed } from '../gateway-name.js';
import { createProgress } from '../progress.js';
import { withAdmin } from '../with-admin.js';

const FORMATS = ['csv', 'json'] as const;

const COLUMNS = [
  'hour',
  'user_id',
  'username',
  'gateway',
  'model',
  'requests',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'errors',
  'aborted',
  'latency_ms',
] as const satisfies (keyof ExportRow)[];

export async function run(invocation: Invocation): Promise<void> {
  const { values, flags } = invocation;
  const format = readChoice('format', values.format ?? (flags.has('json') ? 'json' : 'csv'), FORMATS);
  const gateway = values.gateway === undefined ? undefined : gatewayNamed(values.gateway);
  const { span } = readSpan(invocation, {});
  await withAdmin(invocation, async (admin) => {
    const rows = counted(admin.reports.rows({ ...span, gateway }));
    const text = Readable.from(format === 'csv' ? csv(rows) : json(rows));
    await pipeline(text, process.stdout, { end: false });
  });
}

async function* csv(rows: AsyncIterable<ExportRow>): AsyncIterable<string> {
  yield `${csvLine(COLUMNS)}\n`;
  for await (const row of rows) yield `${csvLine(COLUMNS.map((name) => row[name]))}\n`;
}

/** One array, a row a line. */
async function* json(rows: AsyncIterable<ExportRow>): AsyncIterable<string> {
  let before = '[';
  for await (const row of rows) {
    yield `${before}\n${JSON.stringify(row)}`;
    before = ',';
  }
  yield before === '[' ? '[]\n' : '\n]\n';
}

async function* counted<T>(rows: AsyncIterable<T>): AsyncIterable<T> {
  const progress = createProgress('rows');
  try {
    for await (const row of rows) {
      progress.step();
      yield row;
    }
  } finally {
    progress.end();
  }
}
