/** docs/compatibility.md: clients and features, and whether their tests pass. */
import { CELLS, type Cell, CLIENTS, type Client, FEATURES, type Feature } from '../test/compat/matrix.js';

/** Whether the tests of a client's feature pass; undefined where it has none. */
export type Outcome = (client: Client, feature: Feature) => boolean | undefined;
export type Version = (client: Client) => string;

const APIS = [
  { api: 'openai', title: "Clients of OpenAI's API" },
  { api: 'ollama', title: "Clients of Ollama's API" },
] as const;

/** The titles of the tests that tell of a feature: with those around them, ` > ` between. */
export function testsOf(client: Client, feature: Feature): string[] {
  if (client.without?.includes(feature.name)) return [];
  return client.named?.[feature.name] ?? [feature.name];
}

export function compatibilityPage(outcome: Outcome, version: Version): string {
  const tables = APIS.map(({ api, title }) => {
    const clients = CLIENTS.filter((client) => client.api === api);
    const head = clients.map((client) => `${client.name} (${client.language}, ${version(client)})`);
    const rows = FEATURES.map((feature) => ({
      words: feature.words,
      cells: clients.map((client) => cellOf(outcome(client, feature), client.cannot?.[feature.name]?.cell)),
    })).filter(({ cells }) => cells.some((cell) => cell !== ''));
    const lines = [
      ['', ...head],
      ['---', ...head.map(() => '---')],
      ...rows.map((row) => [row.words, ...row.cells]),
    ];
    const table = lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
    const notes = clients.flatMap((client) =>
      Object.entries(client.cannot ?? {}).map(
        ([name, { why }]) => `- ${client.name} (${client.language}), ${wordsOf(name)}: ${why}.`,
      ),
    );
    return `## ${title}\n\n${table}\n\n${notes.join('\n')}\n`;
  });
  const legend = Object.entries(CELLS).map(([cell, words]) => `| ${cell} | ${words} |`);
  return `# Compatibility

Made by \`npm run docs:compatibility\` from the tests in [test/compat](../test/compat), where real clients talk to the
gateway over sockets. \`npm run test:ollama\` puts a real Ollama behind it:
[test/ollama](../test/ollama/README.md).

| | |
|---|---|
${legend.join('\n')}
| | The client does not offer it, or no test tries it. |

${tables.join('\n')}`;
}

function wordsOf(name: string): string {
  const words = FEATURES.find((feature) => feature.name === name)?.words ?? name;
  return words.charAt(0).toLowerCase() + words.slice(1);
}

function cellOf(passes: boolean | undefined, cannot: Cell | undefined): Cell | '' {
  if (passes === undefined) return '';
  if (!passes) return 'no';
  return cannot ?? 'yes';
}
