import { existsSync } from 'node:fs';
import { type PolicyLayer, type PolicyTestResult, parsePolicyTests, runPolicyTests } from '@raypher/policy';
import { ERROR_CODES, RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { withJson } from '../global-options.ts';
import { count, print, printable } from '../output.ts';
import {
  type LayerFile,
  layerOption,
  mistakes,
  readSnapshot,
  readSource,
  withLayersOption,
} from './policy-file.ts';
import { isTestFile, testFileOf } from './test-file.ts';

interface TestOptions {
  json?: boolean;
  layer: PolicyLayer;
  with: LayerFile[];
  tests?: string;
}

interface TestedPolicy {
  file: string;
  tests: string;
  results: PolicyTestResult[];
}

export const testCommand = withJson(new Command('test'))
  .description('run the tests that stand next to a policy: policy.test.yaml for policy.yaml')
  .argument('<files...>', 'policy documents')
  .addOption(layerOption())
  .addOption(withLayersOption())
  .option('--tests <file>', 'another file of tests')
  .addHelpText(
    'after',
    `
A file of tests:
  tests:
    - name: DeepSeek is denied
      request: { action: network.connect, host: api.deepseek.com }
      expect: { outcome: DENY, rule: no-deepseek }

Examples:
  raypher policy test policy.yaml
  raypher policy test policies/*.yaml --json

Exit codes: 0 all passed, 3 not permitted, 4 no file, 9 a test failed, or a document has mistakes.`,
  )
  .action((files: string[], options: TestOptions) => {
    // A pattern of the shell gives the tests too; they are run with their policies.
    const tested = files.filter((file) => !isTestFile(file)).map((file) => runTests(file, options));
    if (tested.length === 0) throw new RaypherError('request/not-found', 'There is no policy to test.');
    print(tested, options.json === true, () => report(tested));
    const isGood = tested.every(({ results }) => results.every(({ passed }) => passed));
    if (!isGood) process.exitCode = ERROR_CODES['policy/schema'].exit;
  });

function runTests(file: string, options: TestOptions): TestedPolicy {
  const tests = options.tests ?? testFileOf(file);
  const snapshot = readSnapshot([{ layer: options.layer, file }, ...options.with]);
  if (!existsSync(tests)) {
    throw new RaypherError('request/not-found', `${file} has no tests: there is no ${tests}.`, {
      hint: 'Write one (see `raypher policy test --help`), or name another file with --tests.',
    });
  }
  const parsed = parsePolicyTests(readSource(tests));
  if (!parsed.ok) throw mistakes(tests, parsed.issues);
  return { file, tests, results: runPolicyTests(snapshot, parsed.tests) };
}

function report(tested: readonly TestedPolicy[]): string[] {
  const all = tested.flatMap(({ results }) => results);
  const failed = all.filter(({ passed }) => !passed).length;
  return [
    ...tested.flatMap(({ file, tests, results }) => [
      printable(`${file} (${count(results.length, 'test')} of ${tests})`),
      ...results.flatMap(resultLines),
    ]),
    '',
    failed === 0
      ? `${count(all.length, 'test')} passed.`
      : `${failed} of ${count(all.length, 'test')} failed.`,
  ];
}

function resultLines({ name, passed, differences, why }: PolicyTestResult): string[] {
  if (passed) return [printable(`  ok    ${name}`)];
  return [
    printable(`  FAIL  ${name}`),
    ...differences.map(({ key, expected, actual }) =>
      printable(`        ${key}: expected ${expected}, got ${actual}`),
    ),
    ...why.map((line) => printable(`          ${line}`)),
  ];
}
