import { describe, expect, it } from 'vitest';
import {
  isCloudModel,
  matchesModel,
  modelOwner,
  normaliseModel,
  sameModel,
} from '../../src/core/translate/index.js';

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
    ['gpt-oss:cloud', 'gpt-oss:cloud'],
    ['gpt-oss:120b-Cloud', 'gpt-oss:120b-cloud'],
    ['gpt-oss:120b:cloud', 'gpt-oss:120b-cloud'],
  ])('%s is %s', (name, canonical) => {
    expect(normaliseModel(name)).toBe(canonical);
    expect(normaliseModel(canonical)).toBe(canonical);
  });

  it.each([
    '',
    ' ',
    'llama2:',
    ':7b',
    'llama2: 7b',
    'llama2 :7b',
    'gpt-oss: cloud',
    'gpt-oss:\u2003cloud',
    'gpt-oss:\u0085cloud',
    'gpt-oss\u00a0:cloud',
    'gpt-oss:120b\u2003-cloud',
    'gpt-oss:cloud\u0085',
    'lla\tma2',
    'llama2\u0000',
    'l\u200bama2',
    '\u212aimi',
    'aaa://llama2',
    'https://llama2',
    'aaa://registry.ollama.ai/library/llama2',
    'a/b/c/d',
    'me//llama2',
    '/llama2',
    'me.too/llama2',
    '-llama2',
    'llama2:7b:q4',
    'x:cloud:local',
    'x:local:cloud',
    'x:cloud:cloud',
    `${'a'.repeat(81)}`,
    'llama2;drop',
    '..',
  ])('%j is no name', (name) => {
    expect(normaliseModel(name)).toBeUndefined();
    expect(sameModel(name, name)).toBe(false);
    expect(matchesModel('*', name)).toBe(false);
  });

  it('tells different models apart', () => {
    expect(sameModel('llama2', 'LLAMA2:latest')).toBe(true);
    expect(sameModel('llama2', 'llama2:70b')).toBe(false);
    expect(sameModel('llama2', 'me/llama2')).toBe(false);
    expect(sameModel('llama2', 'hf.co/library/llama2')).toBe(false);
  });
});

describe('isCloudModel', () => {
  it.each(['x:cloud', 'x-cloud', 'X:CLOUD', 'gpt-oss:120b-cloud', 'gpt-oss:120b:cloud', 'x:cloud '])(
    '%s is',
    (name) => {
      expect(isCloudModel(name)).toBe(true);
    },
  );

  it.each(['x', 'cloud', 'cloudy:latest', 'x:local', 'cloud/x', 'x:cloud2'])('%s is not', (name) => {
    expect(isCloudModel(name)).toBe(false);
  });
});

it('the owner of a model is its namespace', () => {
  expect(modelOwner('llama2')).toBe('library');
  expect(modelOwner('hf.co/Me/b')).toBe('me');
});

it('a long name with many marks in it is read to its end', () => {
  // A reader that went back for each mark would not come to it before the test's time is over.
  for (const name of [
    `${':local  '.repeat(100_000)}x`,
    `x${' '.repeat(1_000_000)}x`,
    `${'a/'.repeat(100_000)}b`,
  ])
    expect(normaliseModel(name)).toBeUndefined();
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
    ['gpt-oss:120b-cloud', 'gpt-oss:120b:cloud'],
    ['gpt-oss:120b:cloud', 'gpt-oss:120b-cloud'],
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
    ['ab*ba', 'aba'],
    ['gpt-oss:120b', 'gpt-oss:120b:cloud'],
    ['gpt-oss', 'gpt-oss:cloud'],
  ])('%s does not allow %s', (pattern, name) => {
    expect(matchesModel(pattern, name)).toBe(false);
  });

  it('holds many stars against a long name without going back', () => {
    const pattern = `*${'a*'.repeat(40)}b`;
    expect(matchesModel(pattern, 'a'.repeat(80))).toBe(false);
  });
});
