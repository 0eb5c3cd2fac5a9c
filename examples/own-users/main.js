/** An app whose own users, by its own sign-in, have quotas on models. No accounts or keys of Parallama's. */
import express from 'express';
import { createGateway } from 'parallama';
import { parallama } from 'parallama/express';

// Stands for the app's sessions and its database.
const users = new Map([
  ['token-of-ann', { id: 'ann', plan: 'basic' }],
  ['token-of-bob', { id: 'bob', plan: 'premium' }],
]);
const signedIn = (req) => users.get(req.headers['x-session']);

const gateway = await createGateway({
  authenticate({ raw }) {
    const user = signedIn(raw);
    return user && { id: user.id, role: user.plan };
  },
  beforeForward({ identity, request }) {
    if (identity.id === 'mallory') throw new Error('Your account is blocked.');
    request.options = { ...request.options, num_ctx: 4096 };
  },
});
gateway.on('refused', ({ identity, kind }) => console.log(`${identity} was refused: ${kind}`));

const app = express();
app.use('/ai', parallama(gateway));
app.get('/my-usage', async (req, res) => {
  const { id, plan } = signedIn(req);
  res.json(await gateway.usage.current({ id, role: plan }));
});
app.post('/slow-down/:id', async (req, res) => {
  res.json(await gateway.limits.set(req.params.id, 'openai', { request_limit_hourly: 1 }));
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}`);
});
process.once('SIGTERM', () => server.close(() => gateway.close()));
