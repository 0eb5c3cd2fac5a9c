/** What one look at this machine has found. */
export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  detail: string;
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail });
export const warning = (name: string, detail: string): Check => ({ name, state: 'warning', detail });
export const failed = (name: string, error: unknown): Check => ({
  name,
  state: 'failed',
  detail: error instanceof Error ? error.message : String(error),
});
