/** What can happen to gateways, their store, Ollama and the clients; one at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gateways } from '../stores/fleet.js';
import type { Random } from './random.js';
import type { UpstreamProcess } from './upstream.js';

export interface Scene {
  gateways: Gateways;
  upstream: UpstreamProcess;
  random: Random;
  /** So many streams at once, all left a moment later. */
  leave(streams: number): Promise<void>;
}

/**
 * What is hit, and excuses meanwhile: see `verdict.ts`. The first two are everybody's trouble; of the others a gateway
 * is dead, ends orderly, or stands still.
 */
export type Hit = 'store' | 'upstream' | 'dead' | 'ending' | 'standing';

export interface Calamity {
  words: string;
  hits: Hit[];
  /**
   * Resolves when what was taken away is there again.
   * @param slot the gateway that it hits, where it hits one
   */
  strike(scene: Scene, slot: number): Promise<void>;
}

const SHORT = 2_000;

async function restart({ gateways }: Scene, slot: number, signal: NodeJS.Signals): Promise<void> {
  const server = gateways.servers[slot]!;
  server.kill(signal);
  const code = await server.exited;
  if (signal === 'SIGTERM' && code !== 0) throw new Error(`SIGTERM ended a gateway with ${code}.`);
  await sleep(500);
  const port = Number(new URL(server.url).port);
  gateways.servers[slot] = await gateways.start({ port });
}

export const CALAMITIES = {
  gatewayKilled: {
    words: 'a gateway killed (kill -9) and started again',
    hits: ['dead'],
    strike: (scene, slot) => restart(scene, slot, 'SIGKILL'),
  },
  gatewayEnded: {
    words: 'a gateway ended (SIGTERM) and started again',
    hits: ['ending'],
    strike: (scene, slot) => restart(scene, slot, 'SIGTERM'),
  },
  gatewayFrozen: {
    words: 'a gateway frozen (SIGSTOP) for 3 s',
    hits: ['standing'],
    strike: ({ gateways }, slot) => freezeGateway(gateways, slot, 3_000),
  },
  storeFrozen: {
    words: 'the store frozen for 3 s',
    hits: ['store'],
    async strike({ gateways: { place } }) {
      place.freeze();
      await sleep(3_000);
      place.thaw();
    },
  },
  storeKilled: {
    words: 'the store killed (kill -9) and started again',
    hits: ['store'],
    async strike({ gateways: { place } }) {
      await place.server!.kill();
      await sleep(SHORT);
      await place.server!.restart();
    },
  },
  journalLeft: {
    words: 'the store killed, then a gateway with usage in its journal',
    hits: ['store', 'dead'],
    async strike(scene, slot) {
      const { server } = scene.gateways.place;
      await server!.kill();
      await sleep(SHORT);
      await restart(scene, slot, 'SIGKILL');
      await server!.restart();
    },
  },
  upstreamKilled: {
    words: 'Ollama killed (kill -9) and started again',
    hits: ['upstream'],
    async strike({ upstream }) {
      await upstream.kill();
      await sleep(SHORT);
      await upstream.restart();
    },
  },
  upstreamFrozen: {
    words: 'Ollama frozen for 3 s',
    hits: [],
    async strike({ upstream }) {
      upstream.freeze();
      await sleep(3_000);
      upstream.thaw();
    },
  },
  clientsLeft: {
    words: '40 clients leaving at once',
    hits: [],
    strike: ({ leave }) => leave(40),
  },
} satisfies Record<string, Calamity>;

/** For longer than a lease: what its requests held is given to others meanwhile. */
export const LONG_FREEZE: Calamity = {
  words: 'a gateway frozen for 40 s, longer than its leases',
  hits: ['standing'],
  strike: ({ gateways }, slot) => freezeGateway(gateways, slot, 40_000),
};

async function freezeGateway({ servers }: Gateways, slot: number, milliseconds: number): Promise<void> {
  servers[slot]!.kill('SIGSTOP');
  await sleep(milliseconds);
  servers[slot]!.kill('SIGCONT');
}
