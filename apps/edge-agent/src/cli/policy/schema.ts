import { policyJsonSchema, policyTestsJsonSchema } from '@raypher/policy';
import { Command } from 'commander';
import { print } from '../output.ts';

export const schemaCommand = new Command('schema')
  .description('print the JSON Schema of policies, for completion in editors')
  .option('--tests', 'of the tests next to a policy', false)
  .addHelpText(
    'after',
    `
With the YAML language server, the first line of a policy names it:
  # yaml-language-server: $schema=./policy.schema.json

Examples:
  raypher policy schema > policy.schema.json
  raypher policy schema --tests > policy.test.schema.json

Exit codes: 0 printed.`,
  )
  .action(({ tests }: { tests: boolean }) => {
    print(tests ? policyTestsJsonSchema() : policyJsonSchema(), true, () => []);
  });
