/**
 * What a process and all that it started have used, read from /proc: the same for a Node process, nginx and a database,
 * and without a word from them.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Of children that have ended, CPU time is known in hundredths of a second only. */
const TICK = 10_000;
const FIELDS = { ppid: 1, cutime: 13, cstime: 14 };

/** Fields of /proc/PID/stat from the state on: the name before it may hold spaces. Undefined where it has ended. */
function statOf(pid) {
  const text = unlessEnded(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function unlessEnded(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The process and its descendants. */
export function treeOf(root) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (!stat) continue;
    const parent = Number(stat[FIELDS.ppid]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Microseconds of CPU so far; children that have ended count too. */
export function cpuOf(root) {
  return treeOf(root).reduce((sum, pid) => sum + threadsCpu(pid) + endedCpu(pid), 0);
}

/** To the nanosecond: in ticks, a stream's two seconds are thirty. */
function threadsCpu(pid) {
  const threads = unlessEnded(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const nanoseconds = threads.map((id) =>
    unlessEnded(() => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1').split(' ')[0])),
  );
  return nanoseconds.reduce((sum, each) => sum + (each ?? 0), 0) / 1_000;
}

function endedCpu(pid) {
  const stat = statOf(pid);
  return stat ? (Number(stat[FIELDS.cutime]) + Number(stat[FIELDS.cstime])) * TICK : 0;
}

/** Resident megabytes (10^6 bytes). */
export function residentOf(root) {
  const sizes = treeOf(root).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  });
  return (sizes.reduce((sum, each) => sum + each, 0) * 1_024) / 1e6;
}
