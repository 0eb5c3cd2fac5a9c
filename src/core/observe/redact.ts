/** The logs' second line of defence: who writes a line leaves secrets out, and this drops those left in. */

const SECRETS = [
  '(proxy-)?authorization',
  '(set-)?cookie',
  'password(_?hash)?',
  '(x-)?(api[-_]?)?key',
  '((access|refresh)_?)?token',
  '(jwt_?)?secret',
  'invitation',
];
const SECRET = new RegExp(`^(${SECRETS.join('|')})$`, 'i');

/** Deeper than anything that belongs into a log line; ends circles too. */
const DEEPEST = 6;
/** Names of fields that are remembered to be no secret's: a line has ten, and nearly always the same. */
const REMEMBERED = 1_000;

/**
 * @returns gives the same fields without keys that name a secret, at any depth; the object itself where it has none
 */
export function createRedact(): (fields: object) => object {
  const harmless = new Set<string>();

  function isSecret(key: string): boolean {
    if (harmless.has(key)) return false;
    if (SECRET.test(key)) return true;
    if (harmless.size < REMEMBERED) harmless.add(key);
    return false;
  }

  function redact(fields: object, depth: number): object {
    if (!isPlain(fields) || isClean(fields)) return fields;
    if (depth === DEEPEST) return {};
    const within = (value: unknown) =>
      typeof value === 'object' && value !== null ? redact(value, depth + 1) : value;
    if (Array.isArray(fields)) return fields.map(within);
    return Object.fromEntries(
      Object.entries(fields).flatMap(([key, value]) => (isSecret(key) ? [] : [[key, within(value)]])),
    );
  }

  /** Most lines are flat: they cost one look at their keys, and no copy. */
  function isClean(fields: object): boolean {
    for (const key in fields) {
      const value = fields[key as keyof typeof fields] as unknown;
      if ((typeof value === 'object' && value !== null) || isSecret(key)) return false;
    }
    return true;
  }

  return (fields) => redact(fields, 0);
}

/** Errors, dates, buffers and the like are left to the logger's own serializers. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
