/** All that has to hold on a store that several gateways share, one after the other on the same four processes. */
import { afterAll, beforeAll, describe } from 'vitest';
import { stopServers } from '../support/server-process.js';
import { type Aftermath, proveAftermath } from './aftermath.js';
import { type Fleet, startFleetOn } from './fleet.js';
import type { Kind } from './places.js';
import { proveAdmission } from './proofs/admission.js';
import { proveAway } from './proofs/away.js';
import { proveFreeze } from './proofs/freeze.js';
import { proveJournal } from './proofs/journal.js';
import { proveKills } from './proofs/kills.js';
import { proveLongOutage } from './proofs/long-outage.js';
import { proveOutage } from './proofs/outage.js';
import { proveRaces } from './proofs/races.js';
import { proveRevocation } from './proofs/revocation.js';
import { proveTokens } from './proofs/tokens.js';
import { FULL } from './report.js';

export function proveStore(kind: Kind): void {
  if (FULL) {
    describe(`processes on ${kind}`, () => proveAdmission(kind));
  }

  describe(`four gateways on ${kind}`, () => {
    let started: Fleet;
    const fleet = () => started;
    const left: Aftermath[] = [];

    beforeAll(async () => {
      started = await startFleetOn(kind, 4);
    });
    afterAll(async () => {
      await started?.stop();
      await started?.place.stop();
      await stopServers();
    });

    proveTokens(fleet);
    // Behind a file there is no server that could die.
    if (kind !== 'sqlite') proveOutage(fleet, left);
    proveFreeze(fleet, left);
    if (FULL) proveLongOutage(fleet, left);
    proveKills(fleet, left);
    proveRaces(fleet);
    proveRevocation(fleet);
    proveAftermath(fleet, left);
  });

  describe(`one gateway on ${kind}`, () => {
    afterAll(stopServers);
    proveAway(kind);
    proveJournal(kind);
  });
}
