/** Faults that strike before an answer begins. */
import { pause, until } from './clock.js';
import { QUEUE_FULL } from './faults.js';
import type { Fault } from './types.js';
import type { Visit } from './world.js';

/** What a `status` fault answers where it is not told the words. */
function refuse({ reply }: Visit, { status = 500, error, contentType }: Fault): void {
  if (contentType) reply.text(status, error ?? '', { 'content-type': contentType });
  else if (error !== undefined) reply.json(status, { error });
  else if (status === 403) reply.empty(403);
  else if (status === 404) reply.text(404, '404 page not found');
  else if (status === 503) reply.json(503, { error: QUEUE_FULL });
  else reply.json(status, { error: 'llama runner process has terminated: exit status 2' });
}

/** Lets the faults that come before an answer strike. @returns whether one was the answer */
export async function struck(visit: Visit, model: string | undefined): Promise<boolean> {
  const { world, path, record, reply, gone } = visit;
  const slow = world.faults.take(['slow-load'], path, model);
  if (slow) await pause(slow.ms ?? 1000, gone);
  const fault = world.faults.take(['refuse', 'status', 'queue-full', 'silent'], path, model);
  if (!fault) return false;
  if (fault.kind === 'silent') await until(gone);
  else {
    record.state = 'failed';
    if (fault.kind === 'refuse') reply.destroy();
    else refuse(visit, fault.kind === 'queue-full' ? { ...fault, status: 503 } : fault);
  }
  return true;
}
