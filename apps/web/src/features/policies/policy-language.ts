import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import { policyJsonSchema, policyTestsJsonSchema } from '@raypher/policy';
import { lintPolicy, lintTests } from './policy-lint.ts';

/** What the editor knows about a kind of document. Each is one object, so that an editor is not made anew. */
export interface EditedLanguage {
  schema: unknown;
  lint: (doc: Text) => Diagnostic[];
}

const schema = policyJsonSchema();

export const POLICY_LANGUAGE: Record<'global' | 'team', EditedLanguage> = {
  global: { schema, lint: lintPolicy('global') },
  team: { schema, lint: lintPolicy('team') },
};

export const TESTS_LANGUAGE: EditedLanguage = { schema: policyTestsJsonSchema(), lint: lintTests };
