/** Options of createGateway that are wrong. */
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/core/config.js';
import { createGateway, type GatewayOptions } from '../../src/core/gateway.js';

const wrong = (options: unknown) =>
  createGateway(options as GatewayOptions).then(
    async (gateway) => {
      await gateway.close();
      throw new Error('was taken');
    },
    (error: unknown) => error as Error,
  );

const KEYS = 'config, store, authenticate, accounts, beforeForward, logger';

test.each([
  [{ authentication: () => undefined }, `authentication: is not a known key; expected one of ${KEYS}`],
  [{ autenticate: () => undefined }, '(did you mean authenticate?)'],
  [{ before_forward: () => {} }, '(did you mean beforeForward?)'],
  [{ port: 8000 }, 'port: is not a known key'],
  [{ authenticate: 'jwt' }, 'authenticate: is not allowed; expected a function that gives an identity'],
  [{ beforeForward: true }, 'beforeForward: is not allowed; expected a function'],
  [{ accounts: 'no' }, 'accounts: is text; expected true or false'],
  [{ store: 5 }, 'store: is not allowed; expected a text such as sqlite:./parallama.db, a Keyv or a Store'],
  [
    { config: 5 },
    "config: is not allowed; expected the path of a configuration file, or an object of the file's",
  ],
  [{ logger: console }, 'logger: is not allowed; expected a pino logger, or one like it'],
  [null, 'is null; expected a section of config, store'],
  ['./parallama.yaml', 'expected a section of config, store'],
])('%j', async (options, message) => {
  const error = await wrong(options);
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toContain('createGateway: ');
  expect(error.message).toContain(message);
});

test('every wrong option is told at once, and none of their values', async () => {
  const error = await wrong({ stroe: 'redis://:secret@host', authenticate: 'secret', config: {} });
  expect(error.message.split('\n')).toHaveLength(2);
  expect(error.message).toContain('(did you mean store?)');
  expect(error.message).not.toContain('secret');
});

test('a key of the configuration that is wrong is named as ever', async () => {
  const error = await wrong({ store: 'memory:', config: { sever: { port: 1 } } });
  expect(error.message).toContain('config: sever: is not a known key');
  expect(error.message).toContain('(did you mean server?)');
});
