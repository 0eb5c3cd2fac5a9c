import { expect, test, vi } from 'vitest';
import { leaves } from '../../src/core/config/leaves.js';
import { ConfigError, loadConfig, parseConfig } from '../../src/core/config.js';

const load = (env: Record<string, string>, text = '') => parseConfig(text, 'my.yaml', env);

function problem(env: Record<string, string>, text = ''): string {
  try {
    load(env, text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing is wrong';
}

test('a variable beats the file, and leaves its neighbours', () => {
  const text = 'server: { port: 1, workers: 3 }\napi_gateways: { openai: { default_model: a } }\n';
  const { server, api_gateways, auth, metrics, store } = load(
    {
      PARALLAMA_SERVER_PORT: '8080',
      PARALLAMA_SERVER_BODY_LIMIT: '1mb',
      PARALLAMA_SERVER_TRUST_PROXY: 'true',
      PARALLAMA_API_GATEWAYS_OLLAMA_HOST: 'http://ollama',
      PARALLAMA_API_GATEWAYS_OPENAI_MODEL_MAPPINGS: '{gpt-4: llama2:70b}',
      PARALLAMA_AUTH_INVITATIONS: '[one, two]',
      PARALLAMA_METRICS_TOKEN: '12345',
      PARALLAMA_STORE_URL: 'redis://redis',
      PARALLAMA_LOGGING_LEVEL: '',
    },
    text,
  );
  expect(server).toMatchObject({ port: 8080, workers: 3, body_limit: 2 ** 20, trust_proxy: true });
  expect(api_gateways.ollama.host).toBe('http://ollama');
  expect(api_gateways.openai).toMatchObject({
    default_model: 'a',
    model_mappings: { 'gpt-4': 'llama2:70b' },
  });
  expect(auth.invitations).toEqual(['one', 'two']);
  expect(metrics.token).toBe('12345');
  expect(store.url).toBe('redis://redis');
});

test('without a file', async () => {
  const { config, source } = await loadConfig({
    env: { PARALLAMA_SERVER_WORKERS: '2' },
    cwd: '/nonexistent',
  });
  expect({ workers: config.server.workers, source }).toEqual({ workers: 2, source: undefined });
});

test.each([
  [
    { PARALLAMA_SERVER_PORT: '70000' },
    'PARALLAMA_SERVER_PORT: server.port: is 70000; expected a port from 0 to 65535',
  ],
  [
    { PARALLAMA_SERVER_PORT: 'web' },
    'PARALLAMA_SERVER_PORT: server.port: is text; expected a port from 0 to 65535',
  ],
  [
    { PARALLAMA_API_GATEWAYS_ENABLED: '[opnai]' },
    'PARALLAMA_API_GATEWAYS_ENABLED: api_gateways.enabled[0]: is not allowed; expected one of ollama, openai (did you mean openai?)',
  ],
  [
    { PARALLAMA_SERVER_PROT: '1' },
    "PARALLAMA_SERVER_PROT: is no variable of Parallama's (did you mean PARALLAMA_SERVER_PORT?)",
  ],
])('%j', (env, message) => {
  expect(problem(env)).toBe(message);
});

test('a wrong section of the file stays its own mistake', () => {
  expect(problem({ PARALLAMA_SERVER_PORT: '1' }, 'server: 5\n')).toMatch(
    /^my\.yaml:1: server: is 5; expected/,
  );
});

test('a value is never repeated in a warning', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  expect(problem({ PARALLAMA_SERVER_PORT: '!secret' })).not.toContain('secret');
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test("others' variables are left alone", () => {
  expect(problem({ PARALLAMA_KEY: 'x', PARALLAMA_DEBUG: '1', PARALLAMA_SERVERLESS: '1' })).toBe(
    'nothing is wrong',
  );
});

test('every key has a variable of its own, and says what it expects', () => {
  const all = leaves();
  expect(all.length).toBeGreaterThan(30);
  expect(new Set(all.map(({ variable }) => variable)).size).toBe(all.length);
  expect(all.filter(({ expected }) => expected === '')).toEqual([]);
});
