import { expect, test } from 'vitest';
import { type GuardAnswer, parseGuardAnswer } from './guard-answer.ts';
import { policyOf } from './testing/policy-of.ts';

test('what the service answers arrives as it was', () => {
  const policy = policyOf([{ paths: ['/data/**'] }, { programs: ['bash'] }]);
  const answer: GuardAnswer = {
    policy,
    filesAreHeld: true,
    ownPaths: ['/var/lib/raypher'],
    readablePaths: [],
  };
  expect(parseGuardAnswer(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
});

test('nothing in force is an answer, something else is none', () => {
  const nothing: GuardAnswer = { policy: null, filesAreHeld: false, ownPaths: [], readablePaths: [] };
  expect(parseGuardAnswer(JSON.parse(JSON.stringify(nothing)))).toEqual(nothing);
  expect(() =>
    parseGuardAnswer({ policy: { lists: 'none' }, filesAreHeld: false, ownPaths: [], readablePaths: [] }),
  ).toThrow();
});
