/** The tables, as Markdown: for the terminal and for docs/performance.md. */
import { ratio } from './measure.mjs';
import { spread } from './statistics.mjs';

const BUSY = 0.9;

const number = (value) =>
  value >= 100 || value === 0
    ? Math.round(value).toLocaleString('en')
    : value >= 10
      ? value.toFixed(1)
      : value.toFixed(2);
const range = ({ median, min, max }) => `${number(median)} (${number(min)}–${number(max)})`;

export function table([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i].length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** One kind of work: a row per subject, held against the baseline of the same rounds. */
export function workSection(work, result) {
  const unit = work.per?.name ?? 'request';
  const baseline = work.baseline ?? 'translator';
  const held = result.subjects.some(({ name }) => name === baseline);
  const title = result.subjects.find(({ name }) => name === baseline)?.title;
  const head = [
    '',
    'requests/s',
    `CPU µs/${unit}`,
    ...(held ? [`requests/s, of ${title}`, `CPU, of ${title}`] : []),
    'p50 ms',
    'p99 ms',
    'busy: subject',
    'upstream',
    'generator',
  ];
  const rows = result.subjects.map(({ name, title: subject, rounds }) => {
    const of = (figure) => spread(rounds.map((each) => each[figure]));
    const busy = (figure) => `${Math.round(of(figure).median * 100)} %`;
    const storeCpu = of('storeCpu').median;
    const limited =
      of('generatorBusy').median > BUSY || (name !== 'direct' && of('upstreamBusy').median > BUSY);
    return [
      subject,
      `${range(of('rate'))}${limited ? ' *' : ''}`,
      `${range(of('cpu'))}${storeCpu > 0 ? ` + ${number(storeCpu)} store` : ''}`,
      ...(held ? ['rate', 'cpu'].map((figure) => number(ratio(result, name, baseline, figure).median)) : []),
      number(of('p50').median),
      number(of('p99').median),
      busy('subjectBusy'),
      busy('upstreamBusy'),
      busy('generatorBusy'),
    ];
  });
  return `### ${work.title}\n\n${work.about}\n\n${table([head, ...rows])}`;
}
