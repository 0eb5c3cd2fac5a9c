import { describe, expect, it } from 'vitest';
import { isCloudModel, matchesModel, normaliseModel, sameModel } from '../../src/core/translate/index.js';

describe('normaliseModel', () => {
  it.each([
    ['llama2', 'llama2:latest'],
    [' Llama2:7B ', 'llama2:7b'],
    ['library/llama2', 'llama2:latest'],
    ['registry.ollama.ai/library/llama2:latest', 'llama2:latest'],
    ['https://registry.ollama.ai/library/llama2', 'llama2:latest'],
    ['registry.ollama.ai/me/mine', 'me/mine:latest'],
    ['me/mine:q4', 'me/mine:q4'],
    ['hf.co/A/B:Q4', 'hf.co/a/b:q4'],
    ['localhost:5000/a/b', 'localhost:5000/a/b:latest'],
    ['llama2:local', 'llama2:latest'],
    ['llama2:7b:LOCAL', 'llama2:7b'],
    ['llama2:', 'llama2:latest'],
  ])('%s is %s', (name, canonical) => {
    expect(normaliseModel(name)).toBe(canonical);
    expect(normaliseModel(canonical)).toBe(canonical);
  });

  it('tells different models apart', () => {
    expect(sameModel('llama2', 'LLAMA2:latest')).toBe(true);
    expect(sameModel('llama2', 'llama2:70b')).toBe(false);
    expect(sameModel('llama2', 'me/llama2')).toBe(false);
    expect(sameModel('llama2', 'hf.co/library/llama2')).toBe(false);
  });
});

describe('isCloudModel', () => {
  it.each(['x:cloud', 'x-cloud', 'X:CLOUD', 'gpt-oss:120b-cloud', 'x:cloud ', 'x:cloud:local'])(
    '%s is',
    (name) => {
      expect(isCloudModel(name)).toBe(true);
    },
  );

  it.each(['x', 'cloud', 'cloudy:latest', 'x:local', 'cloud/x', 'x:cloud2'])('%s is not', (name) => {
    expect(isCloudModel(name)).toBe(false);
  });
});

it('a long name with many marks in it is read to its end', () => {
  // A reader that went back for each mark would not come to it before the test's time is over.
  const name = `${':local  '.repeat(100_000)}x`;
  expect(isCloudModel(name)).toBe(false);
  expect(isCloudModel(`x:cloud${' :local '.repeat(1_000)}`)).toBe(true);
  expect(sameModel(name, 'x')).toBe(false);
  expect(sameModel(`x${' :local '.repeat(1_000)}`, 'x')).toBe(true);
});

describe('matchesModel', () => {
  it.each([
    ['*', 'hf.co/a/b:q4'],
    ['llama2', 'llama2'],
    ['llama2', 'LLAMA2:latest'],
    ['LLama2', 'registry.ollama.ai/library/llama2'],
    ['llama2:*', 'llama2:70b'],
    ['llama*', 'llama2:70b'],
    ['llama*:7b', 'llama2:7b'],
    ['library/*', 'llama2'],
    ['me/*', 'me/mine:q4'],
    ['hf.co/*', 'hf.co/a/b:q4'],
    ['*coder*', 'qwen-coder:7b'],
    ['*coder', 'me/coder'],
    ['llama2', 'llama2:local'],
  ])('%s allows %s', (pattern, name) => {
    expect(matchesModel(pattern, name)).toBe(true);
  });

  it.each([
    ['llama2', 'llama2:70b'],
    ['llama2', 'llama22'],
    ['llama2', 'me/llama2'],
    ['library/*', 'me/mine'],
    ['me/*', 'hf.co/me/x'],
    ['llama*', 'hf.co/llama/x'],
    ['l.ama2', 'llama2'],
    ['', 'llama2'],
    ['*coder', 'coder:7b'],
  ])('%s does not allow %s', (pattern, name) => {
    expect(matchesModel(pattern, name)).toBe(false);
  });
});
