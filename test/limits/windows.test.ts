import { expect, test } from 'vitest';
import { windowsAt } from '../../src/core/limits/windows.js';

test('windows are UTC calendar hours and days', () => {
  const { hour, day } = windowsAt(Date.parse('2026-11-23T23:59:59.999Z'));
  expect(hour).toEqual({ name: 'hour', id: '2026-11-23T23', end: Date.parse('2026-11-24T00:00:00Z') });
  expect(day).toEqual({ name: 'day', id: '2026-11-23', end: Date.parse('2026-11-24T00:00:00Z') });
});

test('the first instant of a window is in it', () => {
  const { hour } = windowsAt(Date.parse('2026-11-23T04:00:00.000Z'));
  expect(hour).toEqual({ name: 'hour', id: '2026-11-23T04', end: Date.parse('2026-11-23T05:00:00Z') });
});
