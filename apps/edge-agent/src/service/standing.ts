import type { DeviceStatus } from '@raypher/shared/rest';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { LinkStatus } from '../uplink/uplink.ts';

/** What the control plane says about this device through the link; undefined when it says nothing. */
export function standingOf({ state, code }: Pick<LinkStatus, 'state' | 'code'>): DeviceStatus | undefined {
  if (state === 'connected') return 'active';
  switch (code) {
    case 'device/pending':
      return 'pending';
    case 'device/paused':
      return 'paused';
    case 'device/revoked':
      return 'revoked';
    default:
      return undefined;
  }
}

/** What goes into the ledger when the control plane's word changed; undefined for the good news. */
export function standingEvent(status: DeviceStatus, reason: string): EventDraft | undefined {
  if (status !== 'paused' && status !== 'revoked') return undefined;
  return {
    type: 'tamper.suspected',
    // A pause means that somebody suspects a copy; a revocation is an administrator's decision.
    severity: status === 'paused' ? 'warning' : 'notice',
    actor: EDGE_AGENT,
    action: 'be refused by the control plane',
    target: 'device',
    data: {
      code: `device/${status}`,
      reason:
        status === 'paused'
          ? 'The control plane paused this device.'
          : 'The control plane revoked this device.',
      detail: reason,
    },
  };
}
