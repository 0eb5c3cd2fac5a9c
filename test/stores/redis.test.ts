import { describe } from 'vitest';
import { proveAdmission } from './proofs/admission.js';
import { proveStore } from './prove-store.js';
import { FULL } from './report.js';

proveStore('redis');
if (FULL) describe('processes on a redis cluster', () => proveAdmission('redis cluster'));
