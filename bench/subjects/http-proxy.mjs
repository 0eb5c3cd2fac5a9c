/** http-proxy-3 with kept connections: bytes through, nothing read. */
import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { ready } from '../processes/child.mjs';

const proxy = createProxyServer({ target: process.env.UPSTREAM, agent: new Agent({ keepAlive: true }) });
const server = createServer((req, res) => proxy.web(req, res));
server.listen(0, '127.0.0.1', () => ready({ url: `http://127.0.0.1:${server.address().port}` }));
