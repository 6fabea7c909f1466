import { type PolicyIssue, type PolicyLayer, parsePolicy, parsePolicyTests } from '@raypher/policy';
import { ERROR_CODES } from '@raypher/shared';
import { Command } from 'commander';
import { withJson } from '../global-options.ts';
import { print, printable } from '../output.ts';
import { describeIssue, layerOption, readSource } from './policy-file.ts';
import { isTestFile } from './test-file.ts';

export const checkCommand = withJson(new Command('check'))
  .description('check policy documents and their tests; mistakes come with line, column and a suggestion')
  .argument('<files...>', 'YAML or JSON documents; *.test.yaml are read as tests of a policy')
  .addOption(layerOption())
  .addHelpText(
    'after',
    '\nExamples:\n  raypher policy check policy.yaml\n  raypher policy check policies/*.yaml --json\n\nExit codes: 0 good, 2 no text, 3 not permitted, 4 no file, 9 mistakes.',
  )
  .action((files: string[], options: { json?: boolean; layer: PolicyLayer }) => {
    const results = files.map((file) => {
      const source = readSource(file);
      const parsed = isTestFile(file) ? parsePolicyTests(source) : parsePolicy(source, options);
      return { file, source, issues: parsed.ok ? [] : parsed.issues };
    });
    print(
      results.map(({ file, issues }) => ({ file, issues })),
      options.json === true,
      () =>
        results.flatMap(({ file, source, issues }) =>
          issues.length === 0
            ? [`${file}: good`]
            : issues.flatMap((issue) => [
                printable(`${file}:${describeIssue(issue)}`),
                ...excerpt(source, issue),
              ]),
        ),
    );
    if (results.some(({ issues }) => issues.length > 0)) process.exitCode = ERROR_CODES['policy/schema'].exit;
  });

/** A longer line is cut: minified JSON is one. */
const MAX_WIDTH = 120;

/** The line of the mistake and a mark under it. */
function excerpt(source: string, { line, column, endLine, endColumn }: PolicyIssue): string[] {
  const text = source.split(/\r?\n/)[line - 1];
  if (text === undefined || text.trim() === '' || column > MAX_WIDTH) return [];
  const end = endLine === line ? endColumn : text.length + 1;
  const width = Math.max(1, Math.min(end, MAX_WIDTH + 1) - column);
  const number = String(line).padStart(5);
  return [
    `${number} | ${printable(text.slice(0, MAX_WIDTH).replaceAll('\t', ' '))}`,
    `${' '.repeat(number.length)} | ${' '.repeat(column - 1)}${'^'.repeat(width)}`,
  ];
}
