/**
 * The table: method and path to operation. Nothing is forwarded by prefix; what is not in the table is not ours, or
 * is refused in the dialect of the place it was asked at.
 */
import type { Config } from './config.js';
import type { Dialect, GatewayName } from './contract.js';

export type OperationName =
  | 'discovery'
  | 'status'
  | 'health'
  | 'ready'
  | 'metrics'
  | 'register'
  | 'login'
  | 'token'
  | 'logout'
  | 'keys'
  | 'key'
  | 'usage'
  | 'guide.models'
  | 'guide.generate'
  | 'guide.chat'
  | 'native.root'
  | 'native.version'
  | 'native.tags'
  | 'native.ps'
  | 'native.show'
  | 'native.generate'
  | 'native.chat'
  | 'native.embed'
  | 'native.embeddings'
  | 'native.manage'
  | 'native.blobs'
  | 'openai.models'
  | 'openai.model'
  | 'openai.chat'
  | 'openai.completions'
  | 'openai.embeddings'
  | 'openai.responses';

export interface Route {
  operation: OperationName;
  methods: readonly string[];
  dialect: Dialect;
  /** The gateway it belongs to: its limits, its switch. */
  gateway?: GatewayName;
  /** `manage` needs a role that may manage models, and is refused before the method is looked at. */
  access: 'public' | 'user' | 'manage';
  /** Answered only where the request says `operations`. */
  service?: boolean;
  /** Refuses pages of other origins. */
  guarded?: boolean;
}

export type Match =
  | {
      route: Route /** What stands in the place of `{id}`, decoded. */;
      id?: string /** Without query. */;
      path: string;
    }
  /** Under one of our prefixes, and nothing there. */
  | { unknown: Dialect; path: string };

export interface Routes {
  /**
   * Forgives doubled slashes, one at the end, a version said twice, and a target in absolute form.
   * @param all whether every path is ours, as there is no host app
   * @returns null: not ours
   */
  match(url: string, all?: boolean): Match | null;
  /** Where answers may be had, for the router of a host app: `/auth/login`, `/openai/v1/*`. */
  patterns(options: { operations: boolean }): string[];
  /** All routes of a gateway, for discovery: `POST /openai/v1/chat/completions`. */
  endpoints(gateway: GatewayName): string[];
}

const GET = ['GET', 'HEAD'] as const;
const POST = ['POST'] as const;

/** @param options.accounts whether `/auth/*` is ours; it is the host app's where its own users come */
export function createRoutes(
  { api_gateways }: Pick<Config, 'api_gateways'>,
  { accounts = true }: { accounts?: boolean } = {},
): Routes {
  const exact = new Map<string, Route>();
  /** Paths that end in an `{id}`. */
  const open = new Map<string, Route>();
  const prefixes: { prefix: string; dialect: Dialect }[] = [];
  const listed: Record<GatewayName, string[]> = { ollama: [], openai: [] };

  function add(path: string, route: Route) {
    if (path.endsWith('/{id}')) open.set(path.slice(0, -'{id}'.length), route);
    else exact.set(path, route);
    if (route.gateway && route.access !== 'manage') listed[route.gateway].push(`${route.methods[0]} ${path}`);
  }

  const service = (path: string, operation: OperationName) =>
    add(path, { operation, methods: GET, dialect: 'openai', access: 'public', service: true });
  service('/', 'discovery');
  service('/status', 'status');
  service('/healthz', 'health');
  service('/readyz', 'ready');
  service('/metrics', 'metrics');

  const account = (
    path: string,
    operation: OperationName,
    methods: readonly string[],
    access: Route['access'],
  ) => add(path, { operation, methods, dialect: 'openai', access, guarded: true });
  if (accounts) {
    account('/auth/register', 'register', POST, 'public');
    account('/auth/login', 'login', POST, 'public');
    account('/auth/token', 'token', POST, 'public');
    account('/auth/logout', 'logout', POST, 'user');
    account('/auth/keys', 'keys', ['GET', 'HEAD', 'POST'], 'user');
    account('/auth/keys/{id}', 'key', ['DELETE'], 'user');
  }
  account('/admin/v1/usage', 'usage', GET, 'user');

  if (api_gateways.enabled.includes('ollama')) {
    const base = api_gateways.ollama.base_path;
    const root = base.slice(0, base.lastIndexOf('/'));
    const api = `${root}/api`;
    const ollama = (
      path: string,
      operation: OperationName,
      methods: readonly string[],
      access: Route['access'] = 'user',
    ) => add(path, { operation, methods, dialect: 'ollama', gateway: 'ollama', access });
    ollama(`${base}/models`, 'guide.models', GET);
    ollama(`${base}/generate`, 'guide.generate', POST);
    ollama(`${base}/chat`, 'guide.chat', POST);
    if (root !== '') {
      ollama(root, 'native.root', GET);
      ollama(`${root}/`, 'native.root', GET);
    }
    ollama(`${api}/version`, 'native.version', GET);
    ollama(`${api}/tags`, 'native.tags', GET);
    ollama(`${api}/ps`, 'native.ps', GET);
    ollama(`${api}/show`, 'native.show', POST);
    ollama(`${api}/generate`, 'native.generate', POST);
    ollama(`${api}/chat`, 'native.chat', POST);
    ollama(`${api}/embed`, 'native.embed', POST);
    ollama(`${api}/embeddings`, 'native.embeddings', POST);
    for (const name of ['pull', 'push', 'create', 'copy']) {
      ollama(`${api}/${name}`, 'native.manage', POST, 'manage');
    }
    ollama(`${api}/delete`, 'native.manage', ['DELETE'], 'manage');
    ollama(`${api}/blobs/{id}`, 'native.blobs', ['HEAD', 'POST'], 'manage');
    // Longest first: one gateway's paths may lie under the other's.
    prefixes.push({ prefix: `${root}/`, dialect: 'ollama' });
  }

  if (api_gateways.enabled.includes('openai')) {
    const base = api_gateways.openai.base_path;
    const openai = (path: string, operation: OperationName, methods: readonly string[]) =>
      add(`${base}${path}`, { operation, methods, dialect: 'openai', gateway: 'openai', access: 'user' });
    openai('/models', 'openai.models', GET);
    openai('/models/{id}', 'openai.model', GET);
    openai('/chat/completions', 'openai.chat', POST);
    openai('/completions', 'openai.completions', POST);
    openai('/embeddings', 'openai.embeddings', POST);
    openai('/responses', 'openai.responses', POST);
    prefixes.push({ prefix: `${base}/`, dialect: 'openai' });
  }
  prefixes.sort((a, b) => b.prefix.length - a.prefix.length);

  function openMatch(path: string): Match | undefined {
    for (const [prefix, route] of open) {
      if (!path.startsWith(prefix)) continue;
      const id = decode(path.slice(prefix.length));
      if (id) return { route, id, path };
    }
    return undefined;
  }

  function find(path: string): Match | undefined {
    const route = exact.get(path);
    return route ? { route, path } : openMatch(path);
  }

  function patterns({ operations }: { operations: boolean }): string[] {
    const parents = [
      ...prefixes.map(({ prefix }) => prefix).filter((prefix) => prefix !== '/'),
      ...open.keys(),
    ];
    const covered = (path: string) => parents.some((parent) => parent !== path && path.startsWith(parent));
    const single = [...exact].filter(([, route]) => operations || !route.service).map(([path]) => path);
    return [
      ...single.filter((path) => !parents.includes(path) && !covered(path)),
      ...parents.filter((parent) => !covered(parent)).map((parent) => `${parent}*`),
    ];
  }

  return {
    patterns,
    match(url, all = false) {
      const query = url.indexOf('?');
      const path = query < 0 ? url : url.slice(0, query);
      const found = find(path);
      if (found) return found;
      // In a host app a doubled slash at the very front is not ours: what guards `/openai` there does not see it.
      const tidied = tidy(path);
      const ours = all || !withoutOrigin(path).startsWith('//') ? find(tidied) : undefined;
      if (ours) return ours;
      const place = prefixes.find(({ prefix }) => prefix !== '/' && path.startsWith(prefix));
      if (place) return { unknown: place.dialect, path };
      return all ? { unknown: 'openai', path } : null;
    },
    endpoints: (gateway) => listed[gateway],
  };
}

/** In absolute form a target names its server, too. */
const withoutOrigin = (path: string) => path.replace(/^https?:\/\/[^/]*/i, '');

/** Nothing is decoded, and no dots are resolved: other paths than those of the table cannot come of it. */
function tidy(path: string): string {
  const single = withoutOrigin(path).replace(/\/{2,}/g, '/');
  const open = single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single;
  return (open || '/').replace(/\/(v\d+[a-z0-9]*)\/\1\//, '/$1/');
}

/** Decoded once; undefined where the encoding is broken or the id tries to climb. */
function decode(text: string): string | undefined {
  try {
    const id = decodeURIComponent(text);
    return id.split('/').some((part) => part === '' || part === '.' || part === '..') ? undefined : id;
  } catch {
    return undefined;
  }
}
