/** The gateway that the AI SDK and LangChain are tried on; python.test.ts has its like for Python. */
import { expect } from 'vitest';
import { type Rig, startRig, until } from '../support/gateway.js';
import { BREAKING_MODEL, MODEL, NATIVE_MODEL } from './dialogs.js';

export interface World {
  rig: Rig;
  /** Base URLs of OpenAI's API and of Ollama. */
  openai: string;
  ollama: string;
  key: string;
  /** Of a user who may make no request. */
  blockedKey: string;
  /** Runs what leaves a stream, and resolves once Ollama has stopped and the stream is written down as left. */
  expectLeft(leave: () => Promise<unknown>): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const none = { request_limit_hourly: 0 };
  const rig = await startRig({
    config: {
      api_gateways: {
        ollama: { default_model: NATIVE_MODEL },
        openai: { model_mappings: { [MODEL]: NATIVE_MODEL } },
      },
      roles: { member: {}, blocked: {} },
      limits: { roles: { blocked: { ollama: none, openai: none } } },
    },
    // Long answers must last long enough to be left.
    simulator: { pace: 1 },
  });
  rig.simulator.models.add({ name: BREAKING_MODEL });
  rig.simulator.fail({ kind: 'error-line', model: BREAKING_MODEL, afterTokens: 3 });
  const { key } = await rig.user('member');

  return {
    rig,
    openai: `${rig.url}/openai/v1`,
    ollama: `${rig.url}/ollama`,
    key,
    blockedKey: (await rig.user('blocked')).key,
    async expectLeft(leave) {
      const known = rig.simulator.requests.length;
      await leave();
      const seen = rig.simulator.requests[known];
      await until(() => seen?.abortedAt !== undefined);
      expect(seen?.generated).toBeLessThan(1_000);
    },
  };
}
