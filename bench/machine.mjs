/** Where the figures come from. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

export function machine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    os: `${distribution()}, ${type()} ${release()}`,
    node: process.versions.node,
    load: loadavg()[0],
  };
}

function distribution() {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))[1];
  } catch {
    return 'unknown distribution';
  }
}
