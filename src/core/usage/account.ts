/** What one exchange is charged, within what is held for it. */
import type { GatewayError } from '../errors.js';
import { type Lease, NOTHING_USED } from '../limits/lease.js';
import type { Charge } from '../store/port.js';
import type { Meter, Outcome } from './meter.js';

export interface AccountOptions {
  /** `name`: the one that the history is kept under, once the model has answered. */
  model: { readonly name: string };
  lease: Lease;
  meter: Meter;
  /** Whether a request that the upstream failed before any answer counts all the same. */
  countsFailure(): Promise<boolean>;
  /** Called once, after the settlement. */
  onSettled(settled: Settled): void;
}

/** What became of an exchange. */
export interface Settled {
  outcome: Outcome;
  charge: Charge;
  /** The upstream has the model and has begun. */
  answered: boolean;
  /** Prompt tokens that were counted beyond those that were held. */
  overrun: number;
}

/** How far it came. */
interface Progress {
  /** The upstream was asked. */
  sent: boolean;
  answered: boolean;
  failure: GatewayError | undefined;
}

export interface Account {
  /** Output tokens that the hold has room for: those granted, and what was held for the prompts and is not needed. */
  room(): number;
  /** What would have to be charged now. */
  charge(outcome: Outcome): Charge;
  /** Holds what Ollama's final count has beyond the hold. */
  coverFinalCount(): Promise<void>;
  settle(outcome: Outcome, progress: Progress): Promise<void>;
}

export function createAccount({ model, lease, meter, countsFailure, onSettled }: AccountOptions): Account {
  const room = () => lease.output + Math.max(0, lease.prompt - meter.prompts());

  /** Of the output no more than is held: no token beyond that has reached the client. */
  function charge(outcome: Outcome): Charge {
    const counted = meter.charge(outcome);
    const most = room();
    return counted.completionTokens > most ? { ...counted, completionTokens: most } : counted;
  }

  /** A client that left has had Ollama's time, if it was asked at all. What failed before any answer is given back. */
  async function due(outcome: Outcome, { sent, answered, failure }: Progress): Promise<Charge> {
    const counted = charge(outcome);
    const { latencyMs, requests } = counted;
    // The client's own mistake is no error of a model's; and with names made up it would fill the history.
    const errors = failure && failure.status < 500 ? 0 : counted.errors;
    if (outcome === 'failed' && !answered) {
      const counts = sent && !lease.lost && (await countsFailure());
      return { ...NOTHING_USED, requests: counts ? requests : 0, errors, latencyMs };
    }
    return outcome === 'aborted' && !sent ? { ...NOTHING_USED, latencyMs } : counted;
  }

  return {
    room,
    charge,

    async coverFinalCount() {
      // The end is a token, too, some wait for the next one, and a prompt can have more than any was seen to have.
      const missing = meter.prompts() + meter.output() - lease.prompt - lease.output;
      // Where the limit or the store refuses, the output is charged as far as it is held, and the prompt in full.
      if (missing > 0) await lease.grow(missing).catch(() => false);
    },

    async settle(outcome, progress) {
      const { answered } = progress;
      const spent = await due(outcome, progress);
      const limited = Number.isFinite(lease.output);
      await lease.settle(spent, answered ? model.name : undefined);
      onSettled({
        outcome,
        charge: spent,
        answered,
        overrun: limited ? Math.max(0, spent.promptTokens - lease.prompt) : 0,
      });
    },
  };
}
