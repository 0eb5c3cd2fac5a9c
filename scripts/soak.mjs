/**
 * One gateway under a mixed load for a long time: nothing that it keeps grows, and every answer is accounted for.
 *
 *   npm run soak -- --minutes 30 [--store sqlite|redis|postgres] [--rate 50] [--seed 1]
 *   npm run soak -- --minutes 30 --write        puts the tables into docs/endurance.md
 */
import { run } from './endurance.mjs';

await run('soak', { minutes: 30, store: 'sqlite', rate: 50 });
