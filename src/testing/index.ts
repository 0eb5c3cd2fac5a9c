/** `parallama/testing`: an Ollama for tests, demos and benchmarks, without a model and without a GPU. */
export { DEFAULT_MODELS } from './models.js';
export { startSimulator } from './server.js';
export type {
  Capability,
  Fault,
  FaultKind,
  RequestState,
  SimulatedModel,
  SimulatedRequest,
  Simulator,
  SimulatorOptions,
} from './types.js';
