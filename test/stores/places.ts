/** The stores that are proved, as servers of our own that can be killed and frozen. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startPostgres } from '../support/services/postgres.js';
import { startRedis } from '../support/services/redis.js';

export type Kind = 'sqlite' | 'redis' | 'postgres';

export interface Place {
  kind: Kind;
  /** As in the configuration. */
  url: string;
  /** From now on nothing answers; of a file, nothing that writes. */
  freeze(): void;
  thaw(): void;
  /** Absent where there is no server that could die. */
  server?: {
    /** As a crash does. */
    kill(): Promise<void>;
    /** With all that was acknowledged. */
    restart(): Promise<void>;
  };
  stop(): Promise<void>;
}

export function startPlace(kind: Kind): Promise<Place> {
  return { sqlite: inFile, redis: onRedis, postgres: onPostgres }[kind]();
}

/** A file has no server: what stands still is a process that holds its lock. */
async function inFile(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'parallama-stores-'));
  const path = join(directory, 'store.db');
  let lock: DatabaseSync | undefined;
  const thaw = () => {
    lock?.close();
    lock = undefined;
  };
  return {
    kind: 'sqlite',
    url: `sqlite:${path}`,
    freeze() {
      lock = new DatabaseSync(path, { timeout: 5_000 });
      lock.exec('BEGIN EXCLUSIVE');
    },
    thaw,
    async stop() {
      thaw();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function onRedis(): Promise<Place> {
  // What is proved is what was acknowledged: the log is written with every command.
  const { url, kill, restart, freeze, thaw, stop } = await startRedis({
    settings: ['--appendfsync', 'always'],
  });
  return { kind: 'redis', url, freeze, thaw, stop, server: { kill, restart } };
}

async function onPostgres(): Promise<Place> {
  const { url, kill, restart, freeze, thaw, stop } = await startPostgres();
  return { kind: 'postgres', url, freeze, thaw, stop, server: { kill, restart } };
}

/** A store that is not there yet. */
export async function startPlaceAway(kind: Kind): Promise<{ place: Place; arrive(): Promise<void> }> {
  const place = await startPlace(kind);
  if (place.server) {
    await place.server.kill();
    return { place, arrive: place.server.restart };
  }
  // A file where its directory has to be.
  const directory = `${place.url.slice('sqlite:'.length)}.later`;
  await writeFile(directory, '');
  return { place: { ...place, url: `sqlite:${join(directory, 'store.db')}` }, arrive: () => rm(directory) };
}
