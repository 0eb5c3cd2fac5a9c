/** What the shared scenarios of the clients (scenarios.json) run against. */
import { type Rig, startRig } from '../support/gateway.js';

export interface ScenarioRig {
  rig: Rig;
  memberId: string;
  /** The key of `ada`, who has no limits. */
  memberKey: string;
  /** The key of a user who may make no request. */
  blockedKey: string;
}

export async function startScenarioRig(): Promise<ScenarioRig> {
  const rig = await startRig({
    config: {
      api_gateways: { openai: { model_mappings: { 'gpt-3.5-turbo': 'llama2' } } },
      roles: { member: { models: ['llama2', 'breaks', 'no-such-model'] }, blocked: {} },
      limits: {
        roles: {
          member: { ollama: {}, openai: {} },
          blocked: { ollama: { request_limit_hourly: 0 }, openai: { request_limit_hourly: 0 } },
        },
      },
    },
    simulator: { models: [{ name: 'llama2', parameterSize: '7B' }, { name: 'breaks' }] },
  });
  rig.simulator.fail({ kind: 'error-line', model: 'breaks', afterTokens: 3 });
  const member = await rig.user('member', 'ada');
  const blocked = await rig.user('blocked');
  return { rig, memberId: member.id, memberKey: member.key, blockedKey: blocked.key };
}
