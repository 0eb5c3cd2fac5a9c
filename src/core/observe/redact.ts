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

/** The same fields without keys that name a secret, at any depth; the object itself where it has none. */
export function redact(fields: object, depth = 0): object {
  if (!isPlain(fields) || isClean(fields)) return fields;
  if (depth === DEEPEST) return {};
  const within = (value: unknown) =>
    typeof value === 'object' && value !== null ? redact(value, depth + 1) : value;
  if (Array.isArray(fields)) return fields.map(within);
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (SECRET.test(key) ? [] : [[key, within(value)]])),
  );
}

/** Most lines are flat: they cost one look at their keys, and no copy. */
function isClean(fields: object): boolean {
  for (const key in fields) {
    const value = fields[key as keyof typeof fields] as unknown;
    if ((typeof value === 'object' && value !== null) || SECRET.test(key)) return false;
  }
  return true;
}

/** Errors, dates, buffers and the like are left to the logger's own serializers. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
