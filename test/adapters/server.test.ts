import { describeHost } from './suite.js';

describeHost('the server of its own');
