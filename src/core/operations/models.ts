/** The model lists of the guide and of OpenAI: what the caller may use. */
import { GatewayError } from '../errors.js';
import type { Services } from '../services.js';
import { guideModels, modelNames, openaiModel, openaiModels } from '../translate/index.js';
import { json, type Operation } from './call.js';

type Name = 'guide.models' | 'openai.models' | 'openai.model';

export function modelOperations({ models }: Services): Record<Name, Operation> {
  /** Where the upstream gives no date. */
  const created = Math.floor(Date.now() / 1_000);

  const sources = async () => ({
    tags: await models.installed(),
    mappings: models.mappings('openai'),
    created,
  });

  return {
    async 'guide.models'({ identity }) {
      const installed = await models.installed();
      return json(200, guideModels(installed.filter(({ name }) => models.allowed(identity, 'ollama', name))));
    },

    async 'openai.models'({ identity }) {
      const all = await sources();
      const names = modelNames(all).filter((name) => models.allowed(identity, 'openai', name));
      return json(200, openaiModels({ ...all, names }));
    },

    async 'openai.model'({ identity, param = '' }) {
      const found = models.allowed(identity, 'openai', param)
        ? openaiModel(param, await sources())
        : undefined;
      if (found) return json(200, found);
      throw new GatewayError('model_not_found', {
        message: `The model '${param}' does not exist or you do not have access to it.`,
        param: 'model',
      });
    },
  };
}
