/**
 * The client library, public as `parallama/client`. Without dependencies, for Node and browsers.
 */
export { ParallamaClient } from './client.js';
export { ParallamaError } from './errors.js';
export type * from './types.js';
