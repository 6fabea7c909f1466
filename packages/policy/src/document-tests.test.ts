import { describe, expect, it } from 'vitest';
import { runDocumentTests } from './document-tests.ts';

const TEAM = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const policy = (host: string) =>
  `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [{ id: ban, effect: deny, destinations: [${host}] }] }\n`;
const test = (host: string, outcome: string) =>
  `tests: [{ name: ${host}, request: { action: network.connect, host: ${host} }, expect: { outcome: ${outcome} } }]\n`;
const documents = [
  { layer: 'global' as const, source: policy('a.example') },
  { layer: 'team' as const, team: TEAM, source: policy('b.example') },
];
const passed = (tests: Parameters<typeof runDocumentTests>[1]) =>
  runDocumentTests(documents, tests).results.map(({ result }) => result.passed);

describe('tests of documents', () => {
  it('of the global document meet it alone, those of a team both', () => {
    expect(passed([{ layer: 'global', source: test('b.example', 'ALLOW') }])).toEqual([true]);
    expect(passed([{ layer: 'team', team: TEAM, source: test('b.example', 'DENY') }])).toEqual([true]);
    expect(passed([{ layer: 'team', team: TEAM, source: test('a.example', 'DENY') }])).toEqual([true]);
    expect(passed([{ layer: 'team', team: TEAM, source: test('a.example', 'ALLOW') }])).toEqual([false]);
  });

  it('that cannot be read say where', () => {
    const { issues } = runDocumentTests(documents, [{ layer: 'team', team: TEAM, source: 'tests: 1' }]);
    expect(issues).toMatchObject([{ team: TEAM, issue: { line: 1, column: 8 } }]);
  });

  it('that are empty are none', () => {
    expect(runDocumentTests(documents, [{ layer: 'global', source: ' \n' }])).toEqual({
      results: [],
      issues: [],
    });
  });
});
