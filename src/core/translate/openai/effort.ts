/** How much a model is to think: OpenAI's words for what Ollama calls `think`. */
import { badValue } from '../validate.js';

/** Levels that Ollama has; the others are the nearest one. */
const THINK: Record<string, boolean | string> = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  max: 'max',
  xhigh: 'max',
  ultra: 'max',
};

/** @throws GatewayError 400 that names `param`, for an effort that nobody knows */
export function thinkOf(effort: string | undefined, param: string): boolean | string | undefined {
  if (effort === undefined) return undefined;
  if (!Object.hasOwn(THINK, effort))
    throw badValue(param, `must be one of ${Object.keys(THINK).join(', ')}.`);
  return THINK[effort];
}
