/** Clients that ask all gateways in turn, whatever happens to these, and remember every answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gateways, Member } from '../stores/fleet.js';
import { type Answer, ask } from './answers.js';
import { createRandom } from './random.js';

export interface Crowd {
  answers: Answer[];
  /** From now on this user is asked for instead of the one before it. */
  turnTo(bounded: Member): void;
  /** So many streams at once, all left a moment later. */
  leave(streams: number): Promise<void>;
  /** Asks for the user with limits until it is refused, however slow the machine is. */
  exhaust(): Promise<void>;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

export interface CrowdOptions {
  gateways: Gateways;
  /** Without limits. */
  steady: Member;
  /** With limits that are soon reached. */
  bounded: Member;
  /** Names of the model. */
  names: string[];
  seed: number;
  /** Requests a second, about. */
  rate: number;
}

const CLIENTS = 18;
/** More answers than any limit here allows. */
const AT_MOST = 500;

export function startCrowd({ gateways, steady, bounded, names, seed, rate }: CrowdOptions): Crowd {
  const answers: Answer[] = [];
  const urls = gateways.servers.map(({ url }) => url);
  let asked = 0;
  let current = bounded;
  let stopped = false;

  async function question(user: Member, streamed: boolean, leaveAfter?: number): Promise<Answer> {
    const at = asked;
    asked += 1;
    const slot = at % urls.length;
    const name = names[at % names.length]!;
    const answer = await ask({ user, name, slot, url: urls[slot]!, streamed, leaveAfter });
    answers.push(answer);
    return answer;
  }

  async function client(at: number): Promise<void> {
    const random = createRandom(seed + at);
    while (!stopped) {
      const leaveAfter = random.below(10) === 0 ? random.below(200) : undefined;
      await question(random.below(3) === 0 ? current : steady, random.below(3) > 0, leaveAfter);
      await sleep(random.next() * 2 * CLIENTS * (1_000 / rate));
    }
  }

  const running = Array.from({ length: CLIENTS }, (_, at) => client(at));
  return {
    answers,
    turnTo(next) {
      current = next;
    },
    async leave(streams) {
      await Promise.all(Array.from({ length: streams }, () => question(steady, true, 100)));
    },
    async exhaust() {
      for (let more = 0; more < AT_MOST; more += 1) {
        if ((await question(current, false)).status === 429) return;
      }
    },
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
