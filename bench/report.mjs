/** The tables, as Markdown: for the terminal and for docs/performance.md. */
import { ratio } from './measure.mjs';
import { spread } from './statistics.mjs';

/** Of a core: from here on the load generator or the upstream may be what is measured. */
const BUSY = 0.9;

function number(value) {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return Math.round(value).toLocaleString('en');
  return value.toFixed(size >= 10 ? 1 : 2);
}
const range = ({ median, min, max }) =>
  min === max ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
const percent = (share) => `${Math.round(share * 100)} %`;

function table([head, ...rows]) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** One kind of work: a row per subject, held against the baseline of the same rounds. */
export function workSection(work, { subjects }) {
  const unit = work.per?.name ?? 'request';
  const baseline = subjects.find(({ name }) => name === (work.baseline ?? 'translator'));
  const head = [
    '',
    'requests/s',
    `CPU µs/${unit}`,
    ...(baseline ? ['of baseline: rate', 'CPU'] : []),
    'p50 / p99 ms',
    'busy: subject / upstream / generator',
  ];
  const rows = subjects.map(({ name, title, rounds }) => {
    const of = (figure) => spread(rounds.map((each) => each[figure]));
    const busy = (whose) => spread(rounds.map((each) => each.busy[whose])).median;
    const limited = busy('generator') > BUSY || (name !== 'direct' && busy('upstream') > BUSY);
    const store = of('storeCpu').median;
    return [
      `${title}${baseline?.name === name ? ' (baseline)' : ''}`,
      `${range(of('rate'))}${limited ? ' \\*' : ''}`,
      `${range(of('cpu'))}${store > 0 ? ` + ${number(store)} in the store` : ''}`,
      ...(baseline
        ? ['rate', 'cpu'].map((figure) => number(ratio(rounds, baseline.rounds, figure).median))
        : []),
      `${number(of('p50').median)} / ${number(of('p99').median)}`,
      ['subject', 'upstream', 'generator'].map((whose) => percent(busy(whose))).join(' / '),
    ];
  });
  return `### ${work.title}\n\n${work.about}\n\n${table([head, ...rows])}`;
}

export function targetTable(rows) {
  const head = ['', 'wanted', 'measured', ''];
  return table([
    head,
    ...rows.map(({ what, note, measured, unit, atLeast, atMost }) => [
      note ? `${what} (${note})` : what,
      atLeast === undefined ? `≤ ${atMost} ${unit}` : `≥ ${atLeast} ${unit}`,
      `${range(measured)} ${unit}`,
      verdict(measured.median, { atLeast, atMost }),
    ]),
  ]);
}

function verdict(value, { atLeast, atMost }) {
  const missing = atLeast === undefined ? (value - atMost) / atMost : (atLeast - value) / atLeast;
  return missing <= 0 ? 'met' : `missed by ${percent(missing)}`;
}

/** When, where and how it was measured, and what is missing. */
export function about({ date, machine, options, missing }) {
  const { cpu, cores, memory, os, node, load } = machine;
  return [
    `Measured on ${date} by \`npm run bench -- --write\`: ${options.rounds} rounds of ${options.seconds} s each.`,
    `${cpu}, ${cores} cores, ${memory}, ${os}, Node ${node}; the load before the run was ${number(load)}.`,
    ...[...missing.values()].map(({ title, reason }) => `Left out: ${title} (${reason.split('\n')[0]})`),
  ].join('\n');
}
