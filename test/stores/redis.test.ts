import { proveStore } from './prove-store.js';

proveStore('redis');
