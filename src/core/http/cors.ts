/**
 * Lets pages of other origins call the gateway from a browser. Off unless origins are configured: in a host app, the
 * host's own CORS stays as it is.
 *
 * No cookies are involved, as callers show who they are in `authorization`: nothing is allowed that a page could not
 * do without a browser.
 */
import type { GatewayRequest, GatewayResponse, ResponseHeaders } from '../contract.js';

/** What scripts may read beside the few headers that browsers show anyway. */
const EXPOSED = [
  'x-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  ...['limit', 'remaining', 'reset'].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
].join(', ');

const METHODS = 'GET, HEAD, POST, DELETE';
/** Seconds for which a browser may remember a preflight: the most that Chrome takes. */
const MAX_AGE = '7200';

/** Characters; names have 253. */
const MAX_ORIGIN = 300;

export interface Cors {
  /** The answer to a browser that asks before it sends; undefined for any other request. */
  preflight(request: GatewayRequest): GatewayResponse | undefined;
  /** Whether pages of this origin may call the gateway. */
  allows(origin: string | string[] | undefined): boolean;
  /** To add to every answer. */
  headers(request: GatewayRequest): ResponseHeaders;
}

/** @param origins such as `https://app.example.com` or `app://*`, or `*` for all; empty for none */
export function createCors({ origins }: { origins: readonly string[] }): Cors {
  const any = origins.includes('*');
  const exact = new Set(origins.filter((origin) => !origin.includes('*')));
  const patterns = origins.filter((origin) => origin !== '*' && origin.includes('*')).map(patternOf);
  const allows = (origin: string | string[] | undefined) =>
    any ||
    (typeof origin === 'string' &&
      (exact.has(origin) ||
        (origin.length <= MAX_ORIGIN && patterns.some((pattern) => pattern.test(origin)))));

  /** An origin that is not allowed gets no headers, and its browser keeps the answer from the page. */
  function allowed({ headers: { origin } }: GatewayRequest): ResponseHeaders {
    if (origins.length === 0) return {};
    if (any) return { 'access-control-allow-origin': '*' };
    // The answer differs by origin, and caches must know.
    const vary = { vary: 'origin' };
    return typeof origin === 'string' && allows(origin)
      ? { ...vary, 'access-control-allow-origin': origin }
      : vary;
  }

  return {
    allows,
    preflight(request) {
      const { method, headers } = request;
      if (origins.length === 0 || method !== 'OPTIONS') return undefined;
      if (headers['access-control-request-method'] === undefined) return undefined;
      const asked = headers['access-control-request-headers'];
      return {
        status: 204,
        headers: {
          ...allowed(request),
          'access-control-allow-methods': METHODS,
          // Clients send headers of their own (x-stainless-*, openai-*), and more with each version.
          ...(typeof asked === 'string' ? { 'access-control-allow-headers': asked } : {}),
          'access-control-max-age': MAX_AGE,
        },
        body: '',
      };
    },

    headers(request) {
      const headers = allowed(request);
      return 'access-control-allow-origin' in headers
        ? { ...headers, 'access-control-expose-headers': EXPOSED }
        : headers;
    },
  };
}

/** `*` is any name or part of one (extensions have another with each installation), or any port; never both. */
function patternOf(origin: string): RegExp {
  const escaped = origin.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:\*$/, ':\\d+').replaceAll('*', '[\\w.-]+')}$`);
}
