/** What every process of the benchmark does: say where it is, and tell its CPU time when asked. */
export function ready(message) {
  process.on('message', (question) => {
    if (question !== 'cpu') return;
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
  process.on('disconnect', () => process.exit());
  process.send(message);
}
