import type { PolicyDocument } from './schema.ts';

/** Whether anything in a document depends on which team an AI agent is in. */
export function namesTeams(document: PolicyDocument): boolean {
  return (document.financial?.limits ?? []).some(({ scope }) => scope === 'team') || mentions(document);
}

/** `agents: { teams: … }` and `when: { agent.team: … }` stand at several depths; nothing else has these keys. */
function mentions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(
    ([key, inner]) => ((key === 'teams' || key === 'agent.team') && inner !== undefined) || mentions(inner),
  );
}
