/**
 * The SQLite store on a thread of its own: its transactions, its cleaning up and a slow disk keep nobody waiting who
 * needs nothing of it.
 */
import type { Store } from '../port.js';
import { sqlite } from '../sqlite.js';
import { allPages, type Pages } from './history.js';
import { type Packed, packReserve, packSettle, unpackReserved } from './packed.js';
import { openThread } from './thread-calls.js';

/** The thread's program, written in by the build: a file beside this one would be lost by bundlers. */
declare const PARALLAMA_STORE_THREAD: string | undefined;

/** What the thread does when it is told to. */
export interface Served
  extends Omit<Store & Pages, 'kind' | 'place' | 'notice' | 'usage' | 'reserve' | 'settle'> {
  reserve(packed: Packed): Promise<Packed>;
  settle(packed: Packed): Promise<boolean>;
}

/** As {@link sqlite} in every respect; without a thread where no program was built in. */
export function threadedSqlite({ path }: { path: string }): Store {
  const here = sqlite({ path });
  if (typeof PARALLAMA_STORE_THREAD === 'undefined') return here;
  const { kind, place, notice } = here;
  const { ask, close } = openThread<Served>(PARALLAMA_STORE_THREAD, { path });
  const reserve = ask('reserve');
  const settle = ask('settle');
  return {
    kind,
    place,
    notice,
    get: ask('get') as Served['get'],
    getMany: ask('getMany') as Served['getMany'],
    create: ask('create'),
    update: ask('update'),
    take: ask('take') as Served['take'],
    delete: ask('delete'),
    list: ask('list') as Served['list'],
    dump: ask('dump'),
    reserve: async (...asked) => unpackReserved(await reserve(packReserve(...asked))),
    extend: ask('extend'),
    renew: ask('renew'),
    settle: (...asked) => settle(packSettle(...asked)),
    counters: ask('counters'),
    sweep: ask('sweep'),
    usage: (query) => allPages({ page: ask('page') }, query),
    forgetUsage: ask('forgetUsage'),
    health: ask('health'),
    close,
  };
}
