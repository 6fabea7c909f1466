import { type BlastRadiusQuery, CreateFreeze } from '@raypher/shared/rest';

type FreezeSelector = Extract<BlastRadiusQuery, { action: 'freeze' }>['selector'];
/** A single AI agent is held by its panic, not chosen here. */
export type SelectorKind = Exclude<FreezeSelector['kind'], 'agent'>;

export const SELECTOR_KINDS: { kind: SelectorKind; label: string; meaning: string }[] = [
  { kind: 'all', label: 'Everything', meaning: 'Every AI agent of the organisation' },
  { kind: 'team', label: 'Team', meaning: 'Every AI agent on the devices of one team' },
  { kind: 'library', label: 'Library', meaning: 'AI agents that use a package, for example langchain' },
  { kind: 'hash', label: 'Executable', meaning: 'Processes of one executable, by its SHA-256' },
  { kind: 'model', label: 'Model', meaning: 'AI agents seen to use a model, for example gpt-4o' },
];

/**
 * Turns what was typed into a selector, or says what is wrong with it.
 *
 * @example readSelector('library', '') // { ok: false, problem: undefined }: nothing typed yet
 */
export function readSelector(
  kind: SelectorKind,
  value: string,
): { ok: true; selector: FreezeSelector } | { ok: false; problem: string | undefined } {
  const text = value.trim();
  if (kind !== 'all' && text === '') return { ok: false, problem: undefined };
  const parsed = CreateFreeze.shape.selector.safeParse(toSelector(kind, text));
  if (parsed.success) return { ok: true, selector: parsed.data };
  return { ok: false, problem: `This is not ${parsed.error.issues[0]?.message ?? 'a valid value'}.` };
}

function toSelector(kind: SelectorKind, text: string): unknown {
  switch (kind) {
    case 'all':
      return { kind };
    case 'team':
      return { kind, team: text };
    case 'hash':
      return { kind, sha256: text.toLowerCase() };
    case 'library':
    case 'model':
      return { kind, name: text };
  }
}
