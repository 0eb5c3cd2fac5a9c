/** Every key of the configuration that has a value, as its schema has it: for environment variables and the docs. */
import { z } from 'zod';
import { configSchema } from './schema.js';

export interface Leaf {
  /** `['server', 'port']` */
  path: string[];
  schema: z.ZodType;
  /** `PARALLAMA_SERVER_PORT` */
  variable: string;
  /** What is expected, in the words of error messages. */
  expected: string;
}

const PREFIX = 'PARALLAMA_';

export const variableOf = (path: readonly string[]) => PREFIX + path.join('_').toUpperCase();

/** In the order of the schema. Sections whose keys people choose (roles, mappings) are one leaf. */
export const leaves = (): Leaf[] => leavesOf(configSchema, []);

function leavesOf(schema: z.ZodType, path: string[]): Leaf[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) {
    const shape: Record<string, z.ZodType> = inner.shape;
    return Object.entries(shape).flatMap(([key, value]) => leavesOf(value, [...path, key]));
  }
  return [{ path, schema: inner, variable: variableOf(path), expected: expectedBy(inner) }];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  return schema;
}

/** Nothing is a symbol: what the schema says of one is what it expects. */
function expectedBy(schema: z.ZodType): string {
  const { error } = schema.safeParse(Symbol('nothing'), { jitless: true });
  return error?.issues[0]?.message ?? '';
}
