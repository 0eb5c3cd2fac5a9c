/**
 * Three gateways on one store, while one thing after another is killed or frozen.
 *
 *   npm run chaos -- --minutes 5 [--store redis|postgres|sqlite] [--rate 30] [--seed 1]
 *   npm run chaos -- --minutes 5 --write        puts the tables into docs/endurance.md
 */
import { run } from './endurance.mjs';

await run('chaos', { minutes: 5, store: 'redis', rate: 30 });
