import { describe, expect, it } from 'vitest';
import { createTraffic } from '../../src/core/observe/traffic.js';

function at(milliseconds: number) {
  const clock = { now: milliseconds };
  return { clock, traffic: createTraffic({ now: () => clock.now }) };
}

const NOTHING = { latency_ms: 0, requests_per_second: 0 };

describe('traffic', () => {
  it('is nothing before the first request, at any time', () => {
    expect(at(0).traffic.of('ollama')).toEqual(NOTHING);
    expect(at(1e12).traffic.of('ollama')).toEqual(NOTHING);
  });

  it('is the mean over a minute', () => {
    const { traffic, clock } = at(5_000);
    traffic.note('openai', 10);
    clock.now += 30_000;
    traffic.note('openai', 21);
    traffic.note('openai', 30);
    expect(traffic.of('openai')).toEqual({ latency_ms: 20, requests_per_second: 0.05 });
    expect(traffic.of('ollama')).toEqual(NOTHING);
  });

  it('forgets what is a minute old, second by second', () => {
    const { traffic, clock } = at(0);
    for (let second = 0; second < 60; second++) {
      clock.now = second * 1_000;
      for (let n = 0; n < 5; n++) traffic.note('ollama', second);
    }
    expect(traffic.of('ollama')).toEqual({ latency_ms: 30, requests_per_second: 5 });
    clock.now = 89_999;
    expect(traffic.of('ollama')).toEqual({ latency_ms: 45, requests_per_second: 2.5 });
    clock.now = 119_000;
    expect(traffic.of('ollama')).toEqual(NOTHING);
  });

  it('uses its buckets again', () => {
    const { traffic, clock } = at(0);
    for (let minute = 0; minute < 10; minute++) {
      clock.now = minute * 60_000;
      traffic.note('ollama', minute);
    }
    expect(traffic.of('ollama')).toEqual({ latency_ms: 9, requests_per_second: 0.02 });
  });

  it('takes the real clock', () => {
    const traffic = createTraffic();
    for (let n = 0; n < 60; n++) traffic.note('ollama', 7);
    expect(traffic.of('ollama')).toEqual({ latency_ms: 7, requests_per_second: 1 });
  });
});
