/** Where an Express app has mounted the gateway. */

export interface MountedRequest {
  url?: string;
  baseUrl: string;
  params?: Record<string, unknown>;
  /** Set where a route (`app.all`) leads here, and not a mount (`app.use`). */
  route?: unknown;
}

export interface Place {
  /** '' at the root. */
  prefix: string;
  /** Path and query below it. */
  url: string;
}

/** Segments of a path that a mount's own may have. */
const MAX_DEPTH = 16;

/**
 * Express takes what a wildcard matches for a part of the mount: under `/v2/*splat` all of a path is `baseUrl`. The
 * gateway is mounted where the wildcard begins.
 */
export function placeOf({ url = '/', baseUrl, params, route }: MountedRequest): Place {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (params === undefined || (route === undefined && (baseUrl === '' || path !== '/')))
    return { prefix: baseUrl, url };
  const wildcard = wildcardOf(params);
  if (wildcard === undefined) return { prefix: baseUrl, url };
  const whole = path === '/' ? baseUrl : baseUrl + path;
  const start = startOf(whole, wildcard);
  if (start === undefined) return { prefix: baseUrl, url };
  return { prefix: whole.slice(0, start), url: (whole.slice(start) || '/') + url.slice(path.length) };
}

/** Express 5 gives a list of segments, Express 4 a text under a number. The last one reaches to the path's end. */
function wildcardOf(params: Record<string, unknown>): string | undefined {
  let found: string | undefined;
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value)) found = value.join('/');
    else if (/^\d+$/.test(name) && typeof value === 'string') found = value;
  }
  return found;
}

/** Where in the path, as it was written, the wildcard's decoded text begins, with the slash before it. */
function startOf(path: string, wildcard: string): number | undefined {
  const wanted = withoutEnd(wildcard.startsWith('/') ? wildcard.slice(1) : wildcard);
  if (wanted === '') return withoutEnd(path).length;
  for (
    let at = path.indexOf('/'), depth = 0;
    at >= 0 && depth < MAX_DEPTH;
    at = path.indexOf('/', at + 1), depth += 1
  ) {
    if (decoded(withoutEnd(path.slice(at + 1))) === wanted) return at;
  }
  return undefined;
}

/** Slashes at the end are in the wildcard or not, by how it is written. */
function withoutEnd(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
