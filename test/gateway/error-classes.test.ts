/** Every refusal, as the class of error that openai's client makes of it. */
import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../../src/testing/index.js';
import { type Rig, startRig } from '../support/gateway.js';

let rig: Rig;
let key: string;
let spent: string;
beforeAll(async () => {
  rig = await startRig({
    config: {
      server: { body_limit: '64kb' },
      roles: { narrow: { models: ['llama2'] } },
      limits: { roles: { narrow: { openai: { request_limit_hourly: 1 } } } },
    },
  });
  ({ key } = await rig.user('admin'));
  spent = (await rig.user('narrow')).key;
});
afterAll(() => rig.close());

const HELLO = { model: 'llama2', messages: [{ role: 'user' as const, content: 'Hello!' }] };
type Change = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;

async function failure(apiKey: string, change: Change): Promise<APIError> {
  const client = new OpenAI({ apiKey, baseURL: `${rig.url}/openai/v1`, maxRetries: 0 });
  const error = await client.chat.completions
    .create({ ...HELLO, ...change })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(APIError);
  expect((error as APIError).requestID).toMatch(/^req_/);
  expect((error as APIError).message).not.toContain('127.0.0.1');
  return error as APIError;
}

test.each<[number, string, Change, object]>([
  [400, 'BadRequestError', { temperature: 3 }, { param: 'temperature', code: 'invalid_value' }],
  [404, 'NotFoundError', { model: 'nope' }, { param: 'model', code: 'model_not_found' }],
  [413, 'APIError', { user: 'x'.repeat(100_000) }, { code: 'request_too_large' }],
])('%i is a %s', async (status, name, change, fields) => {
  const error = await failure(key, change);
  expect(error).toMatchObject({ status, type: 'invalid_request_error', ...fields });
  expect(error.constructor.name).toBe(name);
});

test('401 is an AuthenticationError', async () => {
  const error = await failure('pk_live_wrong', {});
  expect(error.constructor.name).toBe('AuthenticationError');
  expect(error).toMatchObject({ status: 401, type: 'invalid_request_error', code: 'invalid_api_key' });
});

test('403 is a PermissionDeniedError, and 429 a RateLimitError', async () => {
  const denied = await failure(spent, { model: 'llama2:70b' });
  expect(denied.constructor.name).toBe('PermissionDeniedError');
  expect(denied).toMatchObject({ status: 403, param: 'model', code: 'model_not_found' });
  const client = new OpenAI({ apiKey: spent, baseURL: `${rig.url}/openai/v1` });
  await client.chat.completions.create(HELLO);
  const limited = await failure(spent, {});
  expect(limited.constructor.name).toBe('RateLimitError');
  expect(limited).toMatchObject({ status: 429, type: 'requests', code: 'rate_limit_exceeded' });
});

test.each<[number, Fault, string, string]>([
  [502, { kind: 'status', status: 500, error: 'boom' }, 'server_error', 'upstream_error'],
  [502, { kind: 'refuse' }, 'server_error', 'upstream_unavailable'],
  [503, { kind: 'queue-full' }, 'service_unavailable_error', 'server_is_overloaded'],
])('%i is an InternalServerError (%#)', async (status, fault, type, code) => {
  const disarm = rig.simulator.fail(fault);
  const error = await failure(key, {});
  disarm();
  expect(error.constructor.name).toBe('InternalServerError');
  expect(error).toMatchObject({ status, type, code });
});
