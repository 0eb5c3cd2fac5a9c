/** An Express app with Parallama under `/ai`. */
import express from 'express';
import { createGateway } from 'parallama';
import { parallama } from 'parallama/express';

const gateway = await createGateway();

const app = express();
app.use('/ai', parallama(gateway));
app.use(express.json());
app.get('/', (_req, res) => {
  res.send('The app itself is as it was.');
});
app.post('/notes', (req, res) => {
  res.status(201).json(req.body);
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`http://localhost:${server.address().port}`);
});

// Running answers end, then the gateway lets go of its store.
process.once('SIGTERM', () => server.close(() => gateway.close()));
