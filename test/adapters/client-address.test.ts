/** Who a client is behind proxies: what Express says of the same request. */
import { createServer } from 'node:http';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { createClientAddress } from '../../src/adapters/client-address.js';
import { parseConfig } from '../../src/core/config.js';
import { send } from '../support/gateway.js';
import { listening } from './suite.js';

const SETTINGS: (boolean | number | string[])[] = [
  false,
  true,
  0,
  1,
  2,
  3,
  32,
  ['loopback'],
  ['loopback', '10.0.0.0/8'],
  ['loopback', 'uniquelocal', '2001:db8::/32'],
  ['203.0.113.7'],
  ['127.0.0.1/32', '203.0.113.0/24', 'linklocal'],
];
const HEADERS = [
  undefined,
  '198.51.100.1',
  '198.51.100.1, 203.0.113.7',
  '198.51.100.1,10.0.0.1 , 10.0.0.2',
  '1.1.1.1, 198.51.100.1, 10.0.0.1, 203.0.113.7',
  '2001:db8::7, ::ffff:10.0.0.1',
  '10.1.1.1, 127.0.0.1',
];

test.each(SETTINGS)('trust_proxy %j means what it means to Express', async (trust) => {
  const app = express().set('trust proxy', trust);
  app.use((req, res) => void res.json({ ip: req.ip }));
  const { url, close } = await listening(createServer(app));
  onTestFinished(close);
  const clientAddress = createClientAddress(trust);
  for (const forwarded of HEADERS) {
    const headers: Record<string, string> = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    const { json } = await send(url, '/', { headers });
    expect([forwarded, { ip: clientAddress({ headers }, '127.0.0.1') }]).toEqual([forwarded, json]);
  }
});

test.each([
  ['198.51.100.1,203.0.113.7:52113', '203.0.113.7'],
  ['[2001:db8::7]:52113', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['unknown', '127.0.0.1'],
  ['198.51.100.1, ', '127.0.0.1'],
  ['', '127.0.0.1'],
  ['198.51.100.1 or so', '127.0.0.1'],
])('"%s" is %s: ports are left out, and what is no address names nobody', (forwarded, ip) => {
  const headers = { 'x-forwarded-for': forwarded };
  expect(createClientAddress(1)({ headers }, '127.0.0.1')).toBe(ip);
});

test('of a header with thousands of addresses the last 64 are looked at', () => {
  const headers = {
    'x-forwarded-for': Array.from({ length: 5_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`).join(),
  };
  expect(createClientAddress(true)({ headers }, '127.0.0.1')).toBe('10.0.19.72');
});

test.each([
  ['true', true],
  ['2', 2],
  ['[10.0.0.0/8, loopback]', ['10.0.0.0/8', 'loopback']],
  ['"loopback, 10.0.0.0/8"', ['loopback', '10.0.0.0/8']],
])('the configuration takes %s', (text, value) => {
  expect(parseConfig(`server: { trust_proxy: ${text} }`, 'my.yaml').server.trust_proxy).toEqual(value);
});

test.each(['33', '-1', '1.5', '[]', '[10.0.0.0/40]', 'everybody', '[loopback, nobody]', '{ }', 'null'])(
  'the configuration does not take %s',
  (text) => {
    expect(() => parseConfig(`server: { trust_proxy: ${text} }`, 'my.yaml')).toThrow(
      'expected true, false, a number of proxies, or a list of networks such as [loopback, 10.0.0.0/8]',
    );
  },
);
