/** Clients in Python that people use, against the gateway over sockets; what they do is in ./python. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pythonWith, REPOSITORY } from '../python/environment.js';
import { runPytest } from '../python/pytest.js';
import { type Rig, startRig, until } from '../support/gateway.js';
import { REAL_OLLAMA } from '../support/upstream.js';

const HERE = join(REPOSITORY, 'test', 'compat', 'python');
/** A cold cache of packages takes its time. */
const PATIENCE = 600_000;

/** A directory for the reports of pytest, given by `npm run docs:compatibility`. */
const REPORTS = process.env.PARALLAMA_PYTEST_REPORTS;

/** Client, and what is installed for it. */
const CLIENTS = [
  ['openai', 'requirements.txt'],
  ['ollama', 'requirements.txt'],
  ['langchain_openai', 'requirements.txt'],
  ['langchain_ollama', 'requirements.txt'],
  ['litellm', 'requirements-litellm.txt'],
] as const;

let rig: Rig;
let blockedKey: string;

beforeAll(async () => {
  rig = await startRig({
    config: {
      api_gateways: { ollama: { default_model: 'tiny' }, openai: { model_mappings: { 'gpt-4o': 'tiny' } } },
      roles: { member: {}, blocked: {} },
      limits: {
        roles: { blocked: { ollama: { request_limit_hourly: 0 }, openai: { request_limit_hourly: 0 } } },
      },
    },
    // Long answers must last long enough to be left.
    simulator: { pace: 1 },
  });
  for (const name of ['breaks', 'broken']) rig.simulator.models.add({ name });
  rig.simulator.fail({ kind: 'error-line', model: 'breaks', afterTokens: 3 });
  rig.simulator.fail({ kind: 'status', model: 'broken', status: 500, error: 'it broke' });
  blockedKey = (await rig.user('blocked')).key;
});
afterAll(() => rig?.close());

describe.each(CLIENTS)('%s', (client, requirements) => {
  test('is served as by the real thing', { timeout: PATIENCE }, async () => {
    const python = await pythonWith(join(HERE, requirements));
    const user = await rig.user('member');
    const { passed, trouble } = await runPytest({
      python,
      directory: HERE,
      files: [`test_${client}.py`],
      marks: REAL_OLLAMA && 'not simulated',
      report: REPORTS && join(REPORTS, `${client}.xml`),
      env: {
        PARALLAMA_URL: rig.url,
        PARALLAMA_KEY: user.key,
        PARALLAMA_BLOCKED_KEY: blockedKey,
        // What it knows of prices it would look up on the network.
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      },
    });
    expect(trouble).toBe('');
    expect(passed).toBeGreaterThan(10);

    // One stream was left; everything was counted, and nothing was counted as given up that was read to its end.
    await until(() => rig.simulator.requests.every(({ state }) => state !== 'running'));
    const history = await rig.history(user.id);
    const sum = (field: 'requests' | 'aborted' | 'completionTokens') =>
      history.reduce((total, row) => total + row[field], 0);
    expect(sum('aborted')).toBe(1);
    expect(sum('requests')).toBeGreaterThan(10);
    expect(sum('completionTokens')).toBeGreaterThan(50);
  });
});
