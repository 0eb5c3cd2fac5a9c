/** The model lists of the guide and of OpenAI: what the caller may use. */
import { GatewayError } from '../errors.js';
import type { Services } from '../services.js';
import { guideModels, openaiModels, sameModel } from '../translate/index.js';
import { json, type Call, type Operation } from './call.js';

export function modelOperations({ models }: Services): Record<'guide.models' | 'openai.models' | 'openai.model', Operation> {
  async function openaiList({ identity }: Call) {
    const all = openaiModels({ models: await models.installed(), mappings: models.mappings('openai') });
    return { ...all, data: all.data.filter(({ id }) => models.allowed(identity, 'openai', id)) };
  }

  return {
    async 'guide.models'({ identity }) {
      const installed = await models.installed();
      return json(200, guideModels(installed.filter(({ name }) => models.allowed(identity, 'ollama', name))));
    },

    async 'openai.models'(call) {
      return json(200, await openaiList(call));
    },

    async 'openai.model'(call) {
      const wanted = call.param!;
      const { data } = await openaiList(call);
      const found = data.find(({ id }) => id === wanted) ?? data.find(({ id }) => sameModel(id, wanted));
      if (!found) {
        throw new GatewayError('model_not_found', {
          message: `The model '${wanted}' does not exist or you do not have access to it.`,
          param: 'model',
        });
      }
      return json(200, { ...found, id: wanted });
    },
  };
}
