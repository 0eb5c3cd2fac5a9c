import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationPage } from '../../scripts/config-docs.js';
import { parseConfig } from '../../src/core/config.js';

const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

test('docs/configuration.md is as the schema has it (else: npm run docs:config)', () => {
  expect(page).toBe(configurationPage());
});

test('its example is right', () => {
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  expect(parseConfig(example!, 'example').server.workers).toBe(4);
});
