/**
 * An action of the audit as a sentence begins. The control plane may know actions that this page does not: those keep
 * their own name.
 *
 * @example auditWords('device.enrol') // "Device enrolled"
 */
export function auditWords(action: string): string {
  return WORDS[action] ?? action;
}

const WORDS: Record<string, string> = {
  'alert.resolve': 'Alert resolved',
  'api-token.create': 'API token created',
  'api-token.revoke': 'API token revoked',
  'approval.allow': 'AI agent allowed to go on',
  'approval.deny': 'AI agent refused',
  'command.panic': 'AI agents stopped by panic',
  'device.approve': 'Device approved',
  'device.enrol': 'Device enrolled',
  'device.leave': 'Device left',
  'device.pause': 'Device paused',
  'device.resume': 'Device resumed',
  'device.revoke': 'Device revoked',
  'device.update': 'Device changed',
  'enrolment-token.create': 'Enrolment token created',
  'enrolment-token.revoke': 'Enrolment token revoked',
  'export.create': 'Export destination added',
  'export.delete': 'Export destination removed',
  'export.rewind': 'Export goes on from another place',
  'export.test': 'Export destination tried',
  'export.update': 'Export destination changed',
  'incident.acknowledge': 'Incident acknowledged',
  'incident.erase': 'Samples of an incident erased',
  'incident.update': 'Incident changed',
  'member.create': 'Member added',
  'member.update': 'Member changed',
  'organisation.create': 'Organisation created',
  'password.change': 'Password changed',
  'password.reset': 'Password reset',
  'prices.change': 'Prices changed',
  'settings.approvals': 'Settings of approvals changed',
  'settings.forensics': 'Forensic key changed',
  'settings.identity': 'Settings of identity changed',
  'settings.record-retention': 'Retention of the record changed',
  'settings.retention': 'Retention changed',
  'legal-hold.place': 'Legal hold placed',
  'legal-hold.lift': 'Legal hold lifted',
  'team.create': 'Team created',
  'tpm-root.add': 'TPM root added',
  'tpm-root.distrust': 'TPM root distrusted',
  'tpm-root.trust': 'TPM root trusted',
};
