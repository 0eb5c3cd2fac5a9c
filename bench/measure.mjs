/** Kinds of work on subjects, in turn, round after round. */
import { closedLoop } from './load/closed-loop.mjs';
import { openConnection } from './load/connection.mjs';
import { cpuOf } from './processes/usage.mjs';
import { percentile, spread } from './statistics.mjs';
import { requestBytes } from './wire.mjs';

const CONNECTIONS = 32;
/** Milliseconds until the compiler has seen enough; where rounds are short, so is this. */
export const warmUp = ({ seconds }) => Math.min(8_000, seconds * 4_000);
const warmAgain = ({ seconds }) => Math.min(200, seconds * 200);

/** Where and what to send, and what is to come back. */
export const callOf = (work, subject) => {
  const url = new URL(subject.url);
  return {
    url,
    bytes: requestBytes({ host: url.host, ...work.request(subject) }),
    status: work.status ?? 200,
  };
};

/** Looks at one answer in full, before thousands of which only the status is looked at. */
export async function check(work, subject) {
  const { url, bytes, status: wanted } = callOf(work, subject);
  const connection = openConnection(url, { keepBody: true });
  const { status, body } = await connection.send(bytes);
  connection.close();
  const text = withoutFrames(body.toString());
  if (status === wanted && work.isRight(text)) return;
  throw new Error(
    `${work.title}, ${subject.title}: ${status} ${text.slice(0, 500)} is not what was expected.`,
  );
}

const withoutFrames = (text) => text.replace(/(^|\r\n)[\da-f]+\r\n/g, '').replace(/\r\n$/, '');

/**
 * Each entry, in each round, once.
 * @param entries `{ work, subject }`, of works with one pace
 * @returns for each entry the rounds that were measured
 */
export async function inTurn(entries, { upstream, options }) {
  upstream.tell({ pace: entries[0]?.work.pace ?? 0 });
  const rounds = entries.map(() => []);
  for (const { work, subject } of entries) {
    await check(work, subject);
    await run(work, subject, options, warmUp(options));
  }
  for (let i = 0; i < options.rounds; i += 1) {
    for (let j = 0; j < entries.length; j += 1) {
      // Each round begins with another one.
      const at = (i + j) % entries.length;
      rounds[at].push(await round(entries[at], { upstream, options }));
    }
  }
  return rounds;
}

function run(work, subject, options, milliseconds) {
  const connections = options.connections ?? work.connections ?? CONNECTIONS;
  return closedLoop({ ...callOf(work, subject), connections, milliseconds });
}

async function round({ work, subject }, { upstream, options }) {
  await run(work, subject, options, warmAgain(options));
  const before = cpuTimes(subject, upstream);
  const { count, seconds, latencies } = await run(work, subject, options, options.seconds * 1_000);
  const after = cpuTimes(subject, upstream);
  const used = (whose) => after[whose] - before[whose];
  const busy = (whose) => used(whose) / (seconds * 1e6);
  const units = count * (work.per?.count ?? 1);
  return {
    rate: count / seconds,
    cpu: used('subject') / units,
    storeCpu: used('store') / units,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    // Shares of one core.
    busy: { subject: busy('subject'), upstream: busy('upstream'), generator: busy('generator') },
  };
}

/** Microseconds so far. */
function cpuTimes(subject, upstream) {
  const own = process.cpuUsage();
  return {
    subject: cpuOf(subject.pid),
    store: subject.storePid === undefined ? 0 : cpuOf(subject.storePid),
    upstream: cpuOf(upstream.pid),
    generator: own.user + own.system,
  };
}

/** One kind of work, on the subjects that it is for and that can be had. */
export async function measure(work, context, names = work.subjects) {
  const subjects = [];
  for (const name of names) {
    const subject = await context.cast.get(name);
    if (subject) subjects.push(subject);
  }
  const rounds = await inTurn(
    subjects.map((subject) => ({ work, subject })),
    context,
  );
  return {
    work: work.name,
    subjects: subjects.map(({ name, title }, i) => ({ name, title, rounds: rounds[i] })),
  };
}

/** Of the same rounds: what disturbs one disturbs the other. */
export const ratio = (rounds, others, figure) =>
  spread(rounds.map((each, i) => each[figure] / others[i][figure]));

/** Beside a ratio of rates: what holds where the machine does other things, too. */
export const cpuNote = (rounds, others) => `CPU ${ratio(rounds, others, 'cpu').median.toFixed(2)} ×`;
