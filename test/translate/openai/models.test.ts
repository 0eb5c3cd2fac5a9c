import { describe, expect, it } from 'vitest';
import { modelNames, openaiModel, openaiModels } from '../../../src/core/translate/index.js';
import { replyOf } from '../recordings.js';

const CREATED = 1_677_610_602;
const tags = {
  models: [
    { name: 'llama2:latest', model: 'llama2:latest', modified_at: '2024-01-29T12:00:00Z' },
    { name: 'hf.co/a/b:Q4', modified_at: '2024-01-29T14:00:00+02:00' },
    { name: 'me/mine:latest', modified_at: 'never' },
  ],
};
const mappings = { 'gpt-4': 'llama2', 'gpt-5': 'gone', LLAMA2: 'me/mine' };
const sources = { tags, mappings, created: CREATED };
const MODIFIED = Date.parse('2024-01-29T12:00:00Z') / 1000;

describe("OpenAI's list of models", () => {
  it("has the mapping's names and the upstream's models, each once", () => {
    const model = (id: string, created: number, owned_by: string) => ({
      id,
      object: 'model',
      created,
      owned_by,
    });
    expect(openaiModels(sources)).toEqual({
      object: 'list',
      data: [
        model('gpt-4', MODIFIED, 'parallama'),
        model('gpt-5', CREATED, 'parallama'),
        // It hides the upstream's llama2:latest, which nobody can reach under that name.
        model('LLAMA2', CREATED, 'parallama'),
        model('hf.co/a/b:Q4', MODIFIED, 'a'),
        model('me/mine:latest', CREATED, 'me'),
      ],
    });
  });

  it('has only those that the caller may use', () => {
    const names = modelNames(sources).filter((name) => name.startsWith('gpt-4') || name.startsWith('me/'));
    expect(openaiModels({ ...sources, names }).data.map(({ id }) => id)).toEqual(['gpt-4', 'me/mine:latest']);
  });

  it.each([null, {}, { models: null }, { models: [] }, { models: [null, {}, 7] }])(
    'is a list even for %j',
    (none) => {
      expect(openaiModels({ tags: none, mappings: {}, created: 0 })).toEqual({ object: 'list', data: [] });
    },
  );

  it("is Ollama's own, where there are no mappings", () => {
    // Ollama sorts by date; of models made at the same moment the order changes from call to call.
    const byId = ({ data }: { data: { id: string }[] }) => data.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const ours = openaiModels({ tags: replyOf('tags.native'), mappings: {}, created: 0 });
    expect(byId(ours)).toEqual(byId(replyOf('models.openai') as unknown as typeof ours));
  });
});

describe('one model', () => {
  it('is found under any of its names, and echoed as it was asked for', () => {
    expect(openaiModel('tiny', { tags: replyOf('tags.native'), mappings: {}, created: 0 })).toEqual(
      replyOf('model.openai'),
    );
    expect(openaiModel('hf.co/A/B:q4', sources)).toMatchObject({ id: 'hf.co/A/B:q4', created: MODIFIED });
    expect(openaiModel('gpt-4', sources)).toMatchObject({ id: 'gpt-4', owned_by: 'parallama' });
  });

  it.each(['nope', 'llama2:70b', 'constructor', '__proto__'])('is not %s', (id) => {
    expect(openaiModel(id, sources)).toBeUndefined();
  });
});
