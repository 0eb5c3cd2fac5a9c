/** What every process of the benchmark's own does: say where it is, and end with the one that started it. */
export function ready(message) {
  process.on('disconnect', () => process.exit());
  process.send(message);
}
