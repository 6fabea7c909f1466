/** Writes the published JSON Schema: `npm run schema -w packages/policy`. A test says when it is due. */
import { writeFileSync } from 'node:fs';
import { policyJsonSchema } from '../src/schema.ts';

const file = new URL('policy.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
