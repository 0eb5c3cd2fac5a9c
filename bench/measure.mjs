/** One kind of work on several subjects, in turn, round after round. */
import { closedLoop } from './load/closed-loop.mjs';
import { openConnection } from './load/connection.mjs';
import { cpuOf } from './processes/usage.mjs';
import { percentile, spread } from './statistics.mjs';
import { requestBytes } from './wire.mjs';

const WARM_UP = 1_500;
const WARM_AGAIN = 200;

/** The request of a kind of work, as bytes for a subject. */
export const bytesFor = (work, subject) =>
  requestBytes({ host: new URL(subject.url).host, ...work.request(subject) });

/** One answer in full, before thousands of which only the status is looked at. */
export async function check(work, subject) {
  const connection = openConnection(new URL(subject.url));
  const { status, body } = await connection.send(bytesFor(work, subject), { keepBody: true });
  connection.close();
  const text = withoutFrames(body.toString());
  if (status !== (work.status ?? 200) || !work.isRight(text)) {
    throw new Error(
      `${work.title}, ${subject.title}: not the expected answer, but ${status} ${text.slice(0, 500)}`,
    );
  }
}

const withoutFrames = (text) => text.replace(/(^|\r\n)[\da-f]+\r\n/g, '').replace(/\r\n$/, '');

async function round(work, subject, { upstream, options }) {
  const settings = {
    url: new URL(subject.url),
    bytes: bytesFor(work, subject),
    status: work.status ?? 200,
    connections: options.connections ?? work.connections ?? 32,
  };
  const warm = subject.warmFor?.has(work.name) ? WARM_AGAIN : Math.min(WARM_UP, options.seconds * 3_000);
  subject.warmFor ??= new Set();
  subject.warmFor.add(work.name);
  await closedLoop({ ...settings, milliseconds: warm });

  const pids = {
    subject: subject.pid,
    store: subject.storePid,
    upstream: upstream.pid,
    generator: process.pid,
  };
  const used = () =>
    Object.fromEntries(
      Object.entries(pids).map(([role, pid]) => [
        role,
        role === 'generator' ? ownCpu() : pid === undefined ? 0 : cpuOf(pid),
      ]),
    );
  const before = used();
  const { count, seconds, latencies } = await closedLoop({
    ...settings,
    milliseconds: options.seconds * 1_000,
  });
  const after = used();
  const cpu = (role) => after[role] - before[role];
  const units = count * (work.per?.count ?? 1);
  return {
    rate: count / seconds,
    cpu: cpu('subject') / units,
    storeCpu: cpu('store') / units,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    // Shares of one core.
    subjectBusy: cpu('subject') / (seconds * 1e6),
    upstreamBusy: cpu('upstream') / (seconds * 1e6),
    generatorBusy: cpu('generator') / (seconds * 1e6),
  };
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @returns per subject the rounds that were measured */
export async function measure(work, { cast, upstream, options }) {
  const names = work.subjects.filter((name) => options.subjects?.includes(name) ?? true);
  const subjects = [];
  for (const name of names) {
    const subject = await cast.get(name);
    if (subject) subjects.push(subject);
  }
  upstream.tell({ pace: work.pace ?? 0 });
  for (const subject of subjects) await check(work, subject);
  const rounds = new Map(subjects.map(({ name }) => [name, []]));
  for (let i = 0; i < options.rounds; i += 1) {
    // Each round begins with another one.
    const turn = [...subjects.slice(i % subjects.length), ...subjects.slice(0, i % subjects.length)];
    for (const subject of turn)
      rounds.get(subject.name).push(await round(work, subject, { upstream, options }));
  }
  return {
    work: work.name,
    subjects: subjects.map(({ name, title }) => ({ name, title, rounds: rounds.get(name) })),
  };
}

/** Of the same round: what disturbs one disturbs the other. */
export function ratio(result, name, other, figure) {
  const of = (wanted) => result.subjects.find((subject) => subject.name === wanted)?.rounds;
  const [ours, theirs] = [of(name), of(other)];
  if (!ours || !theirs) return undefined;
  return spread(ours.map((each, i) => each[figure] / theirs[i][figure]));
}
