/**
 * Heals a model that is locked inside Ollama (ollama#17131): a client that leaves a stream at the wrong instant can
 * leave a goroutine behind that holds the model's slot for ever. Requests are accepted and never answered; nothing but
 * unloading the model helps, and Ollama unloads no model that requests wait for.
 *
 * Ollama sends headers with the first byte, so that a client whose request waits here has been told nothing: the
 * requests can be taken back, and sent again once the model is out. What looks like a lock and is none:
 * - a model that is being loaded: it is asked whether it is ready;
 * - a queue behind an answer under way, here or in another process on the store: that is no silence;
 * - a long prompt: patience grows with its length;
 * - a queue behind somebody else's answer: more patience where nothing was aborted. An answer under way outlasts the
 *   unloading, and the queue forms again behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.js';
import { createStop, type Stop } from '../stop.js';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './client.js';
import { type Attempt, createModelWatch, type ModelWatch, type Outcome } from './model-watch.js';
import { createResidence } from './residence.js';

/** What a process sees of a model, as others are told. */
export interface ModelActivity {
  /** Milliseconds since it was last at work. */
  idle: number;
  /** Milliseconds since an answer was aborted; absent where the model has answered since. */
  aborted?: number;
}

export interface Heal {
  model: string;
  outcome: Outcome;
  /** Requests that were taken back. */
  requests: number;
  seconds: number;
}

export interface HealingUpstream extends Upstream {
  activity(): Record<string, ModelActivity>;
  /** Models that are taken for locked. */
  locked(): string[];
}

export interface HealingOptions {
  upstream: Upstream;
  /** Seconds for each 4 KB of a request; 0 heals nothing. */
  stallTimeout: number;
  /** What the other processes on the store see. */
  elsewhere(): Promise<Record<string, ModelActivity>[]>;
  onHeal(heal: Heal): void;
}

/** Characters of a request that are worth one patience. */
const PART = 4_096;
/** Prompts are cut to the model's context: none takes longer than so many parts. */
const LONGEST = 10;
const PATIENCE = {
  aborted: 1,
  /** Aborts are not known of clients that ask Ollama itself, nor of a gateway that was restarted. */
  unknown: 4,
  /** Unloading has not helped: it was no lock. */
  healed: Number.POSITIVE_INFINITY,
};
/** A request is sent so many times to a model that others keep from being unloaded. */
const SENDINGS = 3;
/** Milliseconds of silence before Ollama is asked about the model, as a share of the patience and at most. */
const LOOK_SHARE = 6;
const LOOK_AT_MOST = 5_000;
/** Milliseconds for a model to leave: so long, that other gateways see it wanted out and take their requests back. */
const HOLD = 10_000;
const POLL = 100;

export function createHealing(options: HealingOptions): HealingUpstream {
  const { upstream, elsewhere, onHeal } = options;
  const patience = options.stallTimeout * 1_000;
  if (patience === 0) return { ...upstream, activity: () => ({}), locked: () => [] };

  const lookAfter = Math.min(patience / LOOK_SHARE, LOOK_AT_MOST);
  const residence = createResidence(upstream);
  const watches = new Map<string, ModelWatch>();
  const closing = new AbortController();
  const now = () => performance.now();

  function watchOf(name: string): ModelWatch {
    let watch = watches.get(name);
    if (!watch) {
      watch = createModelWatch({ carried: patience - lookAfter, now });
      watches.set(name, watch);
    }
    return watch;
  }

  async function send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    if (request.model === undefined || typeof request.body !== 'string') return upstream.send(request);
    const name = request.model;
    for (let inVain = 0; inVain < SENDINGS; ) {
      const watch = watchOf(name);
      if (watch.healing && (await unlessGone(watch.healing, request.stops)) === 'failed') break;
      const sent = await attempt(name, watch, request, request.body);
      if (sent.answer) return sent.answer;
      const outcome = await unlessGone(sent.takenBack, request.stops);
      if (outcome === 'failed') break;
      if (outcome === 'held') inVain += 1;
    }
    throw busy(options.stallTimeout);
  }

  async function attempt(
    name: string,
    watch: ModelWatch,
    request: UpstreamRequest,
    body: string,
  ): Promise<{ answer: UpstreamAnswer } | { answer?: undefined; takenBack: Promise<Outcome> }> {
    const { stops = [] } = request;
    if (isSaid(stops)) throw new GatewayError('client_gone');
    const attempt = startAttempt(body);
    watch.sent(attempt);
    let answering = false;
    let whole: boolean | undefined;
    const onOver = (ended: boolean) => {
      whole = ended;
      if (answering) watch.read(!ended);
    };
    try {
      const answer = await upstream.send({ ...request, stops: [...stops, attempt.stop], onOver });
      answering = answer.status === 200;
      if (answering) watch.answered(attempt);
      else watch.ended(attempt);
      // A short one is over before it is handed out.
      if (answering && whole !== undefined) watch.read(!whole);
      return { answer };
    } catch (error) {
      watch.ended(attempt);
      if (isSaid(stops) || !attempt.takenBack) throw error;
      return { takenBack: attempt.takenBack };
    } finally {
      if (watch.blank()) watches.delete(name);
    }
  }

  async function look(name: string, watch: ModelWatch): Promise<void> {
    const resident = await residence.of(name);
    if (!resident) return watch.explained();
    // Somebody, a gateway or `ollama stop`, wants it out: it goes when all have taken their requests back.
    const wantedOut = resident.expired >= 1_000 && resident.expired <= HOLD;
    if (!wantedOut) {
      const [oldest] = watch.waiting();
      if (!oldest || watch.silence() < patienceWith(oldest, 'aborted')) return;
      const others = await elsewhere();
      const seen = others.flatMap((activity) => (Object.hasOwn(activity, name) ? [activity[name]!] : []));
      for (const { idle } of seen) watch.explained(idle);
      const aborted = [watch.aborted(), ...seen.map((one) => one.aborted)].some(
        (ago) => ago !== undefined && ago < watch.lively(),
      );
      const after = aborted ? 'aborted' : watch.healed ? 'healed' : 'unknown';
      if (watch.silence() < patienceWith(oldest, after)) return;
      if (!(await residence.ready(name, optionsIn(oldest.body)))) return watch.explained();
    }
    if (watch.silence() < lookAfter) return;
    watch.healing = heal(name, watch).finally(() => {
      watch.healing = undefined;
    });
    await watch.healing;
  }

  function patienceWith({ body }: Attempt, after: keyof typeof PATIENCE): number {
    const parts = Math.min(LONGEST, Math.ceil(body.length / PART));
    return patience * parts * PATIENCE[after];
  }

  async function heal(name: string, watch: ModelWatch): Promise<Outcome> {
    const begun = now();
    watch.locked = true;
    // What is asked to leave while requests wait for it goes when the last of them does.
    const asked = await residence.unload(name).then(
      () => true,
      () => false,
    );
    const requests = watch.waiting();
    for (const request of requests) request.takeBack(watch.healing!);
    const outcome = !asked ? 'failed' : (await left(name, begun)) ? 'unloaded' : 'held';
    watch.explained();
    if (outcome === 'unloaded') watch.unloaded();
    onHeal({ model: name, outcome, requests: requests.length, seconds: (now() - begun) / 1_000 });
    return outcome;
  }

  async function left(name: string, begun: number): Promise<boolean> {
    while (now() - begun < HOLD && !closing.signal.aborted) {
      const resident = await residence.of(name).catch(() => ({ expired: 0 }));
      // One that will expire has been loaded anew by somebody else.
      if (!resident || resident.expired < -1_000) return true;
      await sleep(POLL, undefined, { ref: false });
    }
    return false;
  }

  const looking = new Set<string>();
  function tick(): void {
    for (const [name, watch] of watches) {
      if (looking.has(name) || watch.silence() < lookAfter) continue;
      looking.add(name);
      look(name, watch)
        // An Ollama that answers nothing at all is seen by those who wait, and cannot be healed from here.
        .catch(() => {})
        .finally(() => looking.delete(name));
    }
  }
  const timer = setInterval(tick, Math.min(1_000, lookAfter));
  timer.unref();

  return {
    send,
    activity() {
      const seen: Record<string, ModelActivity> = {};
      for (const [name, watch] of watches) {
        const idle = watch.idle();
        if (idle !== undefined) seen[name] = { idle, aborted: watch.aborted() };
      }
      return seen;
    },
    locked: () =>
      [...watches]
        .filter(([, watch]) => watch.locked && (watch.healing || watch.waiting().length > 0))
        .map(([name]) => name),
    close() {
      clearInterval(timer);
      closing.abort();
      return upstream.close();
    },
  };
}

const isSaid = (stops: Stop[]) => stops.some(({ said }) => said);

function startAttempt(body: string): Attempt {
  const attempt: Attempt = {
    body,
    stop: createStop(),
    takenBack: undefined,
    takeBack(healing) {
      attempt.takenBack = healing;
      attempt.stop.say();
    },
  };
  return attempt;
}

function unlessGone<T>(promise: Promise<T>, stops: Stop[] = []): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(new GatewayError('client_gone'));
    for (const stop of stops) stop.on(leave);
    promise.then(resolve, reject);
  });
}

function optionsIn(body: string): unknown {
  return (JSON.parse(body) as { options?: unknown }).options;
}

const busy = (seconds: number) =>
  new GatewayError('upstream_busy', {
    message: 'The model does not answer. Please try again.',
    headers: { 'retry-after': String(seconds) },
  });
