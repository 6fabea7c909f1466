import type { RaypherError } from '@raypher/shared';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { StoredSecret } from '../store/secrets.ts';

type VaultEventType = 'vault.sealed' | 'vault.unsealed' | 'vault.rotated' | 'vault.revoked';

/** What happened to one sealed key: its name, and what it is for; never its value. */
export function secretEvent(
  type: VaultEventType,
  action: string,
  { name, provider, use, version }: StoredSecret,
  keyId: string,
  actor: EventDraft['actor'],
): EventDraft {
  const severity = type === 'vault.unsealed' ? 'warning' : 'notice';
  const hosts = use === undefined ? {} : { hosts: use.hosts };
  return { type, severity, actor, action, target: name, data: { name, provider, ...hosts, version, keyId } };
}

/** What happened to the vault as a whole. */
export function vaultEvent(
  type: VaultEventType,
  action: string,
  keyId: string,
  actor: EventDraft['actor'],
  data: EventDraft['data'],
  severity: EventDraft['severity'] = 'notice',
): EventDraft {
  return { type, severity, actor, action, target: 'vault', data: { keyId, ...data } };
}

export function vaultUnusable({ code, message, hint }: RaypherError): EventDraft {
  return {
    type: 'vault.refused',
    severity: 'critical',
    actor: EDGE_AGENT,
    action: 'open vault',
    target: 'vault',
    data: { code, reason: message, ...(hint === undefined ? {} : { hint }) },
  };
}
