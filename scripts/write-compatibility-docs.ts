/** `npm run docs:compatibility`: runs the compatibility tests and writes down what they say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { clientVersions } from './client-versions.js';
import { compatibilityPage, testsOf } from './compatibility-page.js';

interface Report {
  testResults: {
    name: string;
    assertionResults: { ancestorTitles: string[]; title: string; status: string }[];
  }[];
}

/** Of a test in a file. */
interface Ran {
  file: string;
  /** Its titles with ` > ` between; in Python the words of its name. */
  title: string;
  /** What pytest puts in brackets behind it. */
  kind?: string;
  passed: boolean;
}

const scratch = await mkdtemp(join(tmpdir(), 'parallama-compatibility-'));
const report = join(scratch, 'report.json');
const args = ['run', 'test/compat', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const child = spawn(process.execPath, [join('node_modules', 'vitest', 'vitest.mjs'), ...args], {
  stdio: ['ignore', 2, 2],
  env: { ...process.env, PARALLAMA_PYTEST_REPORTS: scratch },
});
await once(child, 'exit');
const ran = [
  ...fromVitest(JSON.parse(await readFile(report, 'utf8')) as Report),
  ...(await fromPytest(scratch)),
];
await rm(scratch, { recursive: true });

await writeFile(
  join('docs', 'compatibility.md'),
  compatibilityPage((client, feature) => {
    const prefix = client.within ? `${client.within} > ` : '';
    const titles = new Set(testsOf(client, feature).map((title) => prefix + title));
    const tests = ran.filter(
      ({ file, title, kind }) =>
        client.files.includes(file) && titles.has(title) && (!client.kind || !kind || kind === client.kind),
    );
    return tests.length === 0 ? undefined : tests.every(({ passed }) => passed);
  }, clientVersions('.')),
);

function fromVitest({ testResults }: Report): Ran[] {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status }) => ({
      file: basename(name),
      title: [...ancestorTitles, title].join(' > '),
      passed: status === 'passed',
    })),
  );
}

async function fromPytest(directory: string): Promise<Ran[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.xml'));
  const suites = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  return suites.flatMap((xml) =>
    [...xml.matchAll(/<testcase classname="(\w+)" name="test_(\w+)(?:\[(.*?)\])?"[^>]*?(\/>|>\s*<)/g)].map(
      ([, module, name, kind, end]) => ({
        file: `${module}.py`,
        title: name!.replaceAll('_', ' '),
        kind,
        // A test with something inside has failed, or was left out.
        passed: end === '/>',
      }),
    ),
  );
}
