import { expect, test } from 'vitest';
import { namesTeams } from './names-teams.ts';
import { layerOf } from './testing.ts';

test.each([
  ['network: { default: allow, rules: [{ id: a, effect: deny, agents: { teams: [x] } }] }', true],
  ['network: { default: allow, rules: [{ id: a, effect: deny, when: { agent.team: { eq: x } } }] }', true],
  ['financial: { limits: [{ id: a, amount: 1, per: day, scope: team }] }', true],
  ['network: { default: allow, rules: [{ id: teams, effect: deny, agents: { users: [teams] } }] }', false],
  ['financial: { limits: [{ id: a, amount: 1, per: day, scope: user }] }', false],
])('%s depends on teams: %s', (body, depends) => {
  expect(namesTeams(layerOf(body).document)).toBe(depends);
});
