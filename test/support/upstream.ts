/** What stands behind the gateway in tests: the simulator, or the Ollama that `npm run test:ollama` is given. */
import { test } from 'vitest';

/** A real Ollama with the models of test/ollama. */
export const REAL_OLLAMA = process.env.PARALLAMA_TEST_OLLAMA;

/** The tiny models under the names that the simulator's models and the mappings have. */
export const STAND_INS: Record<string, string> = REAL_OLLAMA
  ? {
      'gpt-3.5-turbo': 'tiny',
      'gpt-4': 'tiny',
      llama2: 'tiny',
      'llama2:70b': 'tiny',
      'nomic-embed-text': 'tiny-embed',
    }
  : {};

/** A test that looks into the simulator, lets it fail, or needs a model that only it has. */
export const simulated = test.skipIf(REAL_OLLAMA);
