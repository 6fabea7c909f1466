/** Writes the published JSON Schemas: `npm run schema -w packages/policy`. A test says when it is due. */
import { writeFileSync } from 'node:fs';
import { policyTestsJsonSchema } from '../src/policy-test.ts';
import { policyJsonSchema } from '../src/schema.ts';

const schemas = {
  'policy.schema.json': policyJsonSchema(),
  'policy-tests.schema.json': policyTestsJsonSchema(),
};
for (const [name, schema] of Object.entries(schemas)) {
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(schema, null, 2)}\n`);
}
