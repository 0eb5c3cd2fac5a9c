import { proveStore } from './prove-store.js';

proveStore('sqlite');
