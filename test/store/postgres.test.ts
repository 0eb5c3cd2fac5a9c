import { postgres } from '../../src/core/store/postgres.js';
import { usePostgres } from '../support/services/postgres.js';
import { testStore } from './suite.js';

const fresh = usePostgres();
testStore('postgres, with a clock', async ({ now }) => postgres({ url: fresh(), now }), { fakeClock: true });
testStore("postgres, on the server's clock", async () => postgres({ url: fresh() }));
