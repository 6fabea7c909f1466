import type { NewAlert } from './alerts.repository.ts';
import type { FollowedRow } from './placed-batch.ts';
import { plainText } from './plain-text.ts';

/** Entries that {@link alertOfEntry} may say something about. */
export const ALERTING_TYPES = [
  'posture.changed',
  'guard.denied',
  'ledger.contradicted',
  'tamper.suspected',
] as const;

/**
 * What somebody has to look at because a device said so in its ledger; undefined for everything else. One alert a
 * device and thing: a device that says it again and again is counted.
 */
export function alertOfEntry({ organisationId, deviceId, entry }: FollowedRow): NewAlert | undefined {
  const about = (subject: string, severity: NewAlert['severity'], title: string): NewAlert => ({
    organisationId,
    deviceId,
    kind: entry.type,
    subject: plainText(`${deviceId} ${subject}`, 500),
    severity,
    title: plainText(title, 500),
    detail: { seq: entry.seq, action: plainText(entry.action, 128), target: plainText(entry.target, 500) },
  });
  const { actor, action, data, target, type } = entry;
  switch (type) {
    case 'posture.changed':
      // That it only observes is mostly what an administrator asked for, with a policy in monitor mode.
      return data.to === 'unavailable' || (data.from === 'enforced' && data.byPolicy === false)
        ? about(target, 'warning', `A device can no longer enforce ${target}: ${said(data.reason)}`)
        : undefined;
    case 'guard.denied':
      // Denials by rules are what the guard is for. This one was aimed at the agent itself.
      return data.protection === 'of the agent itself' && data.denied === true
        ? about(
            `${actor.name} ${action}`,
            'critical',
            `${actor.name} tried to ${ATTEMPTS[action] ?? action} ${target}`,
          )
        : undefined;
    case 'ledger.contradicted':
      return about(
        target,
        'critical',
        `The record contradicts what a device saw of it: ${said(data.detail)}`,
      );
    case 'tamper.suspected':
      return about(action, 'critical', `Tampering is suspected: ${said(data.reason)}`);
    default:
      return undefined;
  }
}

/** Operations that are no verb which a target follows. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  signal: 'send a signal to',
  write: 'write to',
  bpf: 'call bpf on',
};

function said(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'not known';
}
