/** What a gateway adds to a latency, at a fixed rate: one after the other, the way to the upstream with and without it. */
import { openLoop } from '../load/open-loop.mjs';
import { callOf, check, warmUp } from '../measure.mjs';
import { percentile, spread } from '../statistics.mjs';

/**
 * @param shares the percentiles that are asked for
 * @returns for each share the milliseconds added, and how late the generator itself was
 */
export async function added(work, { rate, until, shares }, { cast, upstream, options }) {
  upstream.tell({ pace: work.pace ?? 0 });
  const run = (subject, milliseconds) => openLoop({ ...callOf(work, subject), rate, milliseconds, until });
  const [direct, gateway] = [await cast.get('direct'), await cast.get('sqlite')];
  for (const subject of [direct, gateway]) {
    await check(work, subject);
    await run(subject, warmUp(options));
  }
  const rounds = [];
  for (let i = 0; i < options.rounds; i += 1) {
    rounds.push([await run(direct, options.seconds * 1_000), await run(gateway, options.seconds * 1_000)]);
  }
  return shares.map((share) => ({
    share,
    measured: spread(
      rounds.map(
        ([without, with_]) => percentile(with_.latencies, share) - percentile(without.latencies, share),
      ),
    ),
    late: spread(rounds.map(([, { late }]) => percentile(late, share))).median,
  }));
}
