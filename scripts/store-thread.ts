/** The program of the store's thread, as text: it is written into the build, where its file would be in the way. */
import { build } from 'esbuild';

export async function storeThread(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/core/store/sqlite/thread.ts'],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    minifyWhitespace: true,
    write: false,
  });
  return outputFiles[0]!.text;
}
