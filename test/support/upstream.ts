/** What stands behind the gateway in tests: the simulator, or the Ollama that `npm run test:ollama` is given. */
import { test } from 'vitest';

/** A real Ollama with the models of test/ollama. */
export const REAL_OLLAMA = process.env.PARALLAMA_TEST_OLLAMA;

/** A test that looks into the simulator, lets it fail, or needs a model that only it has. */
export const simulated = test.skipIf(REAL_OLLAMA);
