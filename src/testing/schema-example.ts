/** A value that a JSON schema allows, with what a prompt says put where it fits. */

type Schema = Record<string, unknown>;

/** What a prompt says. */
export interface Facts {
  /** Names of places, people and things, in their order. */
  names: string[];
  numbers: number[];
  /** What it put into quotation marks. */
  quotes: string[];
  /** Values known by property name. */
  known: Record<string, unknown>;
}

export function factsOf(text: string, known: Record<string, unknown> = {}): Facts {
  const words = text.split(/\s+/).slice(1);
  return {
    names: words
      .map((word) => word.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, ''))
      .filter((word) => /^\p{Lu}\p{Ll}/u.test(word)),
    numbers: [...text.matchAll(/-?\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits)),
    quotes: [...text.matchAll(/["“'`]([^"”'`]+)["”'`]/g)].map(([, quoted]) => quoted!),
    known,
  };
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;
const schemas = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : []);

const FORMATS: ReadonlyMap<unknown, string> = new Map(
  Object.entries({
    'date-time': '2026-01-01T12:00:00Z',
    date: '2026-01-01',
    time: '12:00:00Z',
    email: 'someone@example.com',
    uri: 'https://example.com/',
    uuid: '00000000-0000-4000-8000-000000000000',
    ipv4: '127.0.0.1',
  }),
);

/** Characters and items that are made, whatever a schema asks for. */
const LONGEST = 10_000;
const MOST_ITEMS = 100;

function text(schema: Schema, property: string, facts: Facts): string {
  const known = facts.known[property];
  const format = FORMATS.get(schema.format);
  const said = typeof known === 'string' ? known : (facts.quotes[0] ?? facts.names[0]);
  const value = format ?? said ?? property;
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0;
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : Number.POSITIVE_INFINITY;
  return value.padEnd(Math.min(least, LONGEST), '.').slice(0, most);
}

function number(schema: Schema, facts: Facts, whole: boolean): number {
  const lower = [
    schema.minimum,
    typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum + 1 : undefined,
  ];
  const upper = [
    schema.maximum,
    typeof schema.exclusiveMaximum === 'number' ? schema.exclusiveMaximum - 1 : undefined,
  ];
  const least = Math.max(...lower.filter((bound) => typeof bound === 'number'), Number.NEGATIVE_INFINITY);
  const most = Math.min(...upper.filter((bound) => typeof bound === 'number'), Number.POSITIVE_INFINITY);
  const said = facts.numbers[0] ?? 3;
  const step = typeof schema.multipleOf === 'number' ? schema.multipleOf : whole ? 1 : 0;
  const value = Math.min(Math.max(said, least), most);
  if (step === 0) return value;
  const rounded = Math.floor(value / step) * step;
  return rounded < least ? Math.ceil(least / step) * step : rounded;
}

function merged(schema: Schema, root: Schema): Schema {
  if (typeof schema.$ref === 'string') {
    const found = schema.$ref
      .replace(/^#\/?/, '')
      .split('/')
      .filter(Boolean)
      .reduce<unknown>((value, key) => (isSchema(value) ? value[key] : undefined), root);
    return isSchema(found) && found !== schema ? merged(found, root) : {};
  }
  const [choice] = [...schemas(schema.anyOf), ...schemas(schema.oneOf)];
  const parts = [...(choice ? [choice] : []), ...schemas(schema.allOf)].map((part) => merged(part, root));
  if (parts.length === 0) return schema;
  const all = [schema, ...parts];
  const properties = all.map((part) => (isSchema(part.properties) ? part.properties : {}));
  return Object.assign({}, ...all, { properties: Object.assign({}, ...properties) });
}

/** Schemas that refer to themselves end here. */
const DEEPEST = 8;

/** @param property under which name the value stands */
export function exampleOf(
  schema: unknown,
  facts: Facts,
  property = 'value',
  root = schema,
  depth = 0,
): unknown {
  if (!isSchema(schema)) return property;
  const actual = merged(schema, isSchema(root) ? root : schema);
  if ('const' in actual) return actual.const;
  if (Array.isArray(actual.enum) && actual.enum.length > 0) return actual.enum[0];
  const types = Array.isArray(actual.type) ? actual.type : [actual.type];
  const type = types.find((each) => each !== 'null') ?? types[0];
  const properties = isSchema(actual.properties) ? Object.entries(actual.properties) : [];

  if (type === 'object' || (type === undefined && properties.length > 0)) {
    const required = Array.isArray(actual.required) ? actual.required : [];
    const wanted = depth < DEEPEST ? properties : properties.filter(([name]) => required.includes(name));
    if (depth > 2 * DEEPEST) return {};
    return Object.fromEntries(
      wanted.map(([name, inner]) => [name, exampleOf(inner, facts, name, root, depth + 1)]),
    );
  }
  if (type === 'array') {
    const least = typeof actual.minItems === 'number' ? actual.minItems : depth < DEEPEST ? 1 : 0;
    const tuple = schemas(actual.prefixItems);
    return Array.from({ length: Math.max(Math.min(least, MOST_ITEMS), tuple.length) }, (_, index) =>
      exampleOf(tuple[index] ?? actual.items ?? {}, facts, property, root, depth + 1),
    );
  }
  if (type === 'integer') return number(actual, facts, true);
  if (type === 'number') return number(actual, facts, false);
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return text(actual, property, facts);
}
