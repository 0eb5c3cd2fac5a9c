/** Whom an Ollama that listens on loopback answers: requests from elsewhere are 403 with an empty body. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

const LOCAL_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?$/;
const APP_ORIGIN = /^(app|file|tauri|vscode-webview|vscode-file):\/\//;
const PRIVATE = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|::1?$|f[cd])/i;

function localHost(header: string): boolean {
  const host = header
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (isIP(host)) return PRIVATE.test(host);
  return (
    ['', 'localhost', hostname().toLowerCase()].includes(host) || /\.(localhost|local|internal)$/.test(host)
  );
}

/** @param host and origin: the request's headers */
export function admits(host: string | undefined, origin: string | undefined): boolean {
  if (!localHost(host ?? '')) return false;
  if (origin === undefined || origin === '') return true;
  const own = origin === `http://${host}` || origin === `https://${host}`;
  return own || LOCAL_ORIGIN.test(origin) || APP_ORIGIN.test(origin);
}
