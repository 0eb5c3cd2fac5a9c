/** What a model is asked with where a request says nothing: by the client's name for it, so also by mapping. */
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import { OPTION_NAMES, readOptions } from '../translate/native/options.js';
import { fields } from '../translate/validate.js';
import { flag, section } from './values.js';

const THINK_LEVELS = ['low', 'medium', 'high', 'max'] as const;
/** Go's; negative is for ever. */
const DURATION = /^-?(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** Names and types as in requests; undefined where all is well. */
function problemOf(name: string, value: unknown): string | undefined {
  if (!OPTION_NAMES.includes(name)) return "is not one of Ollama's options; expected a name such as num_ctx";
  try {
    readOptions(fields({ [name]: value }));
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `is of the wrong type; expected ${/expected (.*?),? but/.exec(error.message)?.[1] ?? 'another'}`;
  }
}

const ollamaOptions = () =>
  z
    .record(z.string(), z.unknown(), "Ollama's options, such as num_ctx: 8192")
    .superRefine((options, context) => {
      for (const [name, value] of Object.entries(options)) {
        const message = problemOf(name, value);
        if (message) context.addIssue({ code: 'custom', path: [name], message });
      }
    });

const modelSection = () => {
  const think = `true, false or one of ${THINK_LEVELS.join(', ')}`;
  const keepAlive = 'a number of seconds, or a duration such as 10m';
  return section({
    options: ollamaOptions().optional(),
    /** False: a prompt that is too long is refused instead of cut. */
    truncate: flag().optional(),
    think: z.union([z.boolean(think), z.enum(THINK_LEVELS, think)], think).optional(),
    keep_alive: z
      .union([z.number(keepAlive), z.string(keepAlive).regex(DURATION, keepAlive)], keepAlive)
      .optional(),
  });
};

export const modelOptions = () =>
  z
    .record(z.string(), modelSection(), 'names of models with their options, think, keep_alive or truncate')
    .prefault({});

export type ModelOptions = z.output<ReturnType<typeof modelSection>>;
