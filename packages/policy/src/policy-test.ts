import { z } from 'zod';
import type { PolicySnapshot } from './compile.ts';
import { explain } from './explain.ts';
import { explainInWords } from './explain-words.ts';
import type { PolicyIssue } from './issue.ts';
import { POLICY_LAYERS } from './layer.ts';
import { readDocument } from './read-document.ts';
import { RequestShape, toRequest } from './request-schema.ts';
import type { Verdict } from './verdict.ts';

const MAX_TESTS = 10_000;

const Expectation = z
  .strictObject({
    outcome: z.enum(['ALLOW', 'DENY', 'PROMPT']).optional().describe('What is decided, enforced or not.'),
    effective: z
      .enum(['ALLOW', 'DENY', 'PROMPT'])
      .optional()
      .describe('What is carried out; other than outcome where a layer only monitors.'),
    rule: z.string().min(1).optional().describe('Id of the rule, limit or exception that decides.'),
    layer: z
      .enum([...POLICY_LAYERS, 'builtin'])
      .optional()
      .describe('Layer of that rule.'),
    obligations: z
      .array(z.enum(['alert', 'redact']))
      .optional()
      .describe('What is done with data that passes.'),
  })
  .refine((expected) => Object.keys(expected).length > 0, {
    error: 'a test expects something: add outcome or rule',
  })
  .describe('What the verdict must be; every key that is present is compared.');

const PolicyTests = z.strictObject({
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(200).describe('What the policy promises, as a sentence.'),
        request: RequestShape.describe('What is asked.'),
        expect: Expectation,
      }),
    )
    .min(1)
    .max(MAX_TESTS)
    .describe('Requests and what the policy must say about them.'),
});

export type PolicyTest = z.infer<typeof PolicyTests>['tests'][number];

export type ParsedPolicyTests =
  | { readonly ok: true; readonly tests: readonly PolicyTest[] }
  | { readonly ok: false; readonly issues: readonly PolicyIssue[] };

/**
 * Reads the tests that stand next to a policy.
 *
 * @example
 * tests:
 *   - name: DeepSeek is denied
 *     request: { action: network.connect, host: api.deepseek.com }
 *     expect: { outcome: DENY, rule: no-deepseek }
 */
export function parsePolicyTests(source: string): ParsedPolicyTests {
  const read = readDocument(source, PolicyTests, policyTestsJsonSchema);
  return read.ok ? { ok: true, tests: read.data.tests } : read;
}

/** For editors. */
export function policyTestsJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(PolicyTests, { io: 'input' });
}

export interface PolicyTestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly verdict: Verdict;
  /** What differs; empty when the test passed. */
  readonly differences: readonly {
    readonly key: string;
    readonly expected: string;
    readonly actual: string;
  }[];
  /** Why the verdict is what it is, in sentences; empty when the test passed. */
  readonly why: readonly string[];
}

/** Runs tests against a policy, in their order. */
export function runPolicyTests(snapshot: PolicySnapshot, tests: readonly PolicyTest[]): PolicyTestResult[] {
  return tests.map(({ name, request, expect }): PolicyTestResult => {
    const explanation = explain(snapshot, toRequest(request, snapshot));
    const { verdict } = explanation;
    const actual: Record<string, string> = {
      outcome: verdict.outcome,
      effective: verdict.effective.outcome,
      rule: verdict.rule,
      layer: verdict.layer,
      obligations: listText(verdict.obligations ?? []),
    };
    const differences = Object.entries(expect)
      .map(([key, value]) => ({
        key,
        expected: typeof value === 'object' ? listText(value) : String(value),
        actual: actual[key] ?? '',
      }))
      .filter(({ expected, actual: got }) => expected !== got);
    const passed = differences.length === 0;
    return { name, passed, verdict, differences, why: passed ? [] : explainInWords(explanation) };
  });
}

function listText(values: readonly string[]): string {
  return values.toSorted().join(', ') || 'none';
}
