import { describe, expect, it } from 'vitest';
import { ConfigError, checkConfig, nativeBasePath, parseConfig } from '../../src/core/config.js';

const GUIDE = `
api_gateways:
  enabled:
    - ollama
    - openai
  
  discovery:
    enabled: true
    cache_ttl: 300
  
  ollama:
    host: http://localhost
    port: 11434
    base_path: /ollama/v1
    default_model: llama2
  
  openai:
    base_path: /openai/v1
    model_mappings:
      gpt-3.5-turbo: llama2
      gpt-4: llama2:70b
`;

const EVERYTHING = `
server:    { host: 127.0.0.1, port: 8000, workers: 1, body_limit: 32mb, trust_proxy: false }
store:     { url: "sqlite:./parallama.db", password_file: /etc/parallama/db_password }
auth:      { registration: open, jwt_secret_file: /etc/parallama/jwt_secret, access_token_ttl: 1800, refresh_token_ttl: 2592000, refresh_rotation: true, password_hashing: { memory_kib: 19456, iterations: 2, parallelism: 1 }, api_key_prefix: pk_live_ }
limits:    { roles: { basic: { ollama: { token_limit_daily: 10000, token_limit_hourly: 1000, request_limit_daily: 1000, request_limit_hourly: 100 } } } }
roles:     { basic: { gateways: [ollama, openai], models: ["*"], manage_models: false } }
logging:   { directory: /var/log/parallama, level: info, max_size: 10mb, max_files: 10 }
metrics:   { enabled: true }
`;

describe('defaults', () => {
  it('are complete', () => {
    expect(parseConfig('', 'empty.yaml')).toEqual({
      api_gateways: {
        enabled: ['ollama', 'openai'],
        discovery: { enabled: true, cache_ttl: 300 },
        ollama: {
          host: 'http://localhost',
          port: 11434,
          base_path: '/ollama/v1',
          model_mappings: {},
          model_options: {},
          connect_timeout: 5,
          first_byte_timeout: 600,
          max_num_ctx: 32_768,
          keep_alive_max: 3_600,
          stall_timeout: 30,
        },
        openai: { base_path: '/openai/v1', model_mappings: {}, model_options: {} },
      },
      server: {
        host: '127.0.0.1',
        port: 8000,
        workers: 1,
        body_limit: 33_554_432,
        trust_proxy: false,
        allowed_hosts: [],
        socket_mode: '660',
        max_connections: 10_000,
        max_connections_per_address: 1_000,
        keep_alive_timeout: 75,
        drain_delay: 0,
        client_timeout: 300,
        shutdown_timeout: 30,
        heartbeat: 15,
        cors: { origins: [] },
      },
      store: { url: 'sqlite:./parallama.db' },
      auth: {
        registration: 'open',
        invitations: [],
        access_token_ttl: 1800,
        refresh_token_ttl: 2_592_000,
        refresh_rotation: true,
        password_hashing: { memory_kib: 19_456, iterations: 2, parallelism: 1 },
        api_key_prefix: 'pk_live_',
      },
      limits: { roles: {} },
      roles: {},
      logging: { directory: '/var/log/parallama', level: 'info', max_size: 10_485_760, max_files: 10 },
      usage: { retention_days: 400 },
      metrics: { enabled: true, public: false },
    });
  });

  it.each([
    ['comments', '# nothing here\n'],
    ['a document mark', '---\n'],
    ['a byte order mark', '\uFEFF'],
    ['empty sections', 'server:\nauth:\n  password_hashing:\napi_gateways:\n  ollama:\n    port:\n'],
    ['the values of the guide', GUIDE.replace('default_model: llama2', '').replace(/model_mappings:.*/s, '')],
  ])('hold for %s', (_, text) => {
    expect(parseConfig(text, 'my.yaml')).toEqual(checkConfig({}));
  });

  it('are not shared between two configurations', () => {
    const first = checkConfig({});
    first.api_gateways.enabled.pop();
    first.auth.invitations.push('mine');
    expect(checkConfig({}).api_gateways.enabled).toEqual(['ollama', 'openai']);
    expect(checkConfig({}).auth.invitations).toEqual([]);
  });
});

describe('values', () => {
  it('are those of the guide', () => {
    const { api_gateways } = parseConfig(GUIDE, 'guide.yaml');
    expect(api_gateways.ollama.default_model).toBe('llama2');
    expect(api_gateways.openai.model_mappings).toEqual({ 'gpt-3.5-turbo': 'llama2', 'gpt-4': 'llama2:70b' });
  });

  it('may name every key', () => {
    const config = parseConfig(EVERYTHING, 'all.yaml');
    expect(config.limits.roles.basic?.ollama?.token_limit_hourly).toBe(1000);
    expect(config.limits.roles.basic?.openai).toBeUndefined();
    expect(config.roles.basic).toEqual({
      gateways: ['ollama', 'openai'],
      models: ['*'],
      manage_models: false,
    });
    expect(config.store.password_file).toBe('/etc/parallama/db_password');
  });

  it.each([
    ['1', 1],
    ['100b', 100],
    ['512kb', 524_288],
    ['32mb', 33_554_432],
    ['"10 MB"', 10_485_760],
    ['1.5gb', 1_610_612_736],
  ])('of size %s are %d bytes', (text, size) => {
    expect(parseConfig(`server: { body_limit: ${text} }`, 'my.yaml').server.body_limit).toBe(size);
  });

  it('of limits may be unlimited', () => {
    const text =
      'limits: { roles: { lab: { openai: { token_limit_daily: unlimited, token_limit_hourly: null, request_limit_daily: 0 } } } }';
    expect(parseConfig(text, 'my.yaml').limits.roles).toEqual({
      lab: { openai: { token_limit_daily: null, token_limit_hourly: null, request_limit_daily: 0 } },
    });
  });

  it('of a role may be left out: what is absent is the built-in role’s', () => {
    expect(parseConfig('roles:\n  lab:\n  admin: { models: [llama2] }\n', 'my.yaml').roles).toEqual({
      lab: {},
      admin: { models: ['llama2'] },
    });
  });

  it.each([
    ['localhost', 'http://localhost'],
    ['http://localhost', 'http://localhost'],
    ['http://localhost/', 'http://localhost'],
    ['https://GPU.example.org', 'https://gpu.example.org'],
    ['10.0.0.7', 'http://10.0.0.7'],
    ['"[::1]"', 'http://[::1]'],
  ])('of host %s are %s', (text, host) => {
    expect(
      parseConfig(`api_gateways: { ollama: { host: ${text} } }`, 'my.yaml').api_gateways.ollama.host,
    ).toBe(host);
  });

  it.each([
    'memory:',
    'sqlite:/var/lib/p.db',
    'redis://localhost',
    'rediss://:pw@host:6380/1',
    'postgres://u@h/d',
  ])('of stores may be %s', (url) => {
    expect(checkConfig({ store: { url } }).store.url).toBe(url);
  });

  it('of base paths leave native Ollama a place beside them', () => {
    const { ollama } = checkConfig({ api_gateways: { ollama: { base_path: '/x/v1' } } }).api_gateways;
    expect(nativeBasePath(ollama.base_path)).toBe('/x/api');
    expect(nativeBasePath('/v1')).toBe('/api');
  });

  it('may be shared by anchors', () => {
    const text = 'limits:\n  roles:\n    a: &t { ollama: { token_limit_daily: 7 } }\n    b: *t\n';
    expect(parseConfig(text, 'my.yaml').limits.roles.b).toEqual({ ollama: { token_limit_daily: 7 } });
  });
});

describe('an object', () => {
  it('is checked like a file', () => {
    const wrong = () => checkConfig({ server: { port: '80' }, storage: {} });
    expect(wrong).toThrow(ConfigError);
    expect(wrong).toThrow(
      'config: server.port: is text; expected a port from 0 to 65535\nconfig: storage: is not',
    );
  });

  it('gives its problems as data', () => {
    try {
      checkConfig({ metrics: { token: 5 } });
      expect.unreachable();
    } catch (error) {
      expect((error as ConfigError).problems).toEqual([
        { key: 'metrics.token', line: undefined, message: expect.stringContaining('is a number') },
      ]);
    }
  });

  it('is checked again without a change', () => {
    const config = parseConfig(GUIDE + EVERYTHING, 'all.yaml');
    expect(checkConfig(config)).toEqual(config);
  });
});
