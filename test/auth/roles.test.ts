import { expect, it } from 'vitest';
import { createRoles } from '../../src/core/auth/roles.js';
import { type ConfigInput, checkConfig } from '../../src/core/config.js';
import { UNLIMITED } from '../../src/core/limits/types.js';

const roles = (config: ConfigInput = {}) => createRoles(checkConfig(config));
const template = (factor: number) => ({
  token_limit_daily: 500_000 * factor,
  token_limit_hourly: 50_000 * factor,
  request_limit_daily: 5_000 * factor,
  request_limit_hourly: 500 * factor,
});

it('has admin, premium and basic where the configuration names none', () => {
  const all = roles();
  expect(all.names()).toEqual(['admin', 'premium', 'basic']);
  const open = { gateways: ['ollama', 'openai'], models: ['*'] };
  expect(all.get('basic')).toEqual({
    ...open,
    name: 'basic',
    manage_models: false,
    admin: false,
    limits: { ollama: template(1), openai: template(1) },
  });
  expect(all.get('premium')).toMatchObject({ manage_models: false, limits: { openai: template(10) } });
  expect(all.get('admin')).toEqual({
    ...open,
    name: 'admin',
    manage_models: true,
    admin: true,
    limits: { ollama: UNLIMITED, openai: UNLIMITED },
  });
  expect(all.get('nobody')).toBeUndefined();
  expect(all.get('constructor')).toBeUndefined();
});

it('takes a template as a whole, for its gateway', () => {
  const all = roles({
    limits: { roles: { basic: { ollama: { token_limit_daily: 5, request_limit_daily: 0 } } } },
  });
  expect(all.get('basic')?.limits).toEqual({
    ollama: { ...UNLIMITED, token_limit_daily: 5, request_limit_daily: 0 },
    openai: template(1),
  });
});

it('changes the rights that are given and leaves the others', () => {
  const all = roles({
    roles: { basic: { gateways: ['openai'], models: ['llama*'] }, admin: { models: ['a'] } },
  });
  expect(all.get('basic')).toMatchObject({ gateways: ['openai'], models: ['llama*'], manage_models: false });
  expect(all.get('admin')).toMatchObject({ models: ['a'], manage_models: true });
  expect(all.get('premium')).toMatchObject({ gateways: ['ollama', 'openai'] });
});

it('has any other role that is named, in either section', () => {
  const all = roles({
    roles: { staff: { manage_models: true } },
    limits: { roles: { guest: { openai: { request_limit_daily: 3 } } } },
  });
  expect(all.names()).toEqual(['admin', 'premium', 'basic', 'staff', 'guest']);
  expect(all.get('staff')).toMatchObject({
    manage_models: true,
    admin: false,
    limits: { ollama: UNLIMITED },
  });
  expect(all.get('guest')).toMatchObject({
    gateways: ['ollama', 'openai'],
    models: ['*'],
    manage_models: false,
    limits: { ollama: UNLIMITED, openai: { ...UNLIMITED, request_limit_daily: 3 } },
  });
});
