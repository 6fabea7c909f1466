import type { Action } from '@raypher/policy';
import type { EventType } from '@raypher/shared';
import type { AuditAction, ControlKind } from '@raypher/shared/rest';
import { capabilityLabel } from './capability.ts';

/**
 * A code of the record in words, as a sentence begins. A device or a control plane may know codes that this page does
 * not: those keep their own name.
 *
 * @example recordWords('device.enrol') // "Device enrolled"
 */
export function recordWords(code: string): string {
  return Object.hasOwn(RECORD_WORDS, code) ? ((RECORD_WORDS as Record<string, string>)[code] ?? code) : code;
}

/**
 * What an AI agent did, as it goes before what it did it to. Other entries say it in words already.
 *
 * @example actionWords('file.read') // "read"
 */
export function actionWords(action: string): string {
  return Object.hasOwn(ACTION_WORDS, action)
    ? ((ACTION_WORDS as Record<string, string>)[action] ?? action)
    : action;
}

/** What an event of this type is about: of what a device can enforce the name, else as it was recorded. */
export function targetWords(type: string, target: string): string {
  return type === 'posture.changed' ? capabilityLabel(target) : target;
}

const EVENT_WORDS: Record<EventType, string> = {
  'agent.started': 'Raypher started',
  'agent.stopped': 'Raypher stopped',
  'device.enrolled': 'Device enrolled',
  'discovery.appeared': 'AI agent appeared',
  'discovery.changed': 'AI agent changed',
  'discovery.vanished': 'AI agent gone',
  'network.request': 'Request',
  'network.tunnel': 'Tunnel, not read',
  'network.uninspected': 'Connection not readable',
  'interception.root': 'Root certificate made',
  'connection.cut': 'Connection cut',
  'dlp.found': 'Sensitive data found',
  'approval.requested': 'A person is asked',
  'approval.decided': 'Question answered',
  'budget.warned': 'Spending near its limit',
  'gate.decided': 'Action asked for',
  'tool.changed': 'Tool describes itself anew',
  'guard.denied': 'Refused in the kernel',
  'guard.lost': 'Refusals not recorded',
  'guard.adopted': 'AI agent under guard',
  'guard.not-adopted': 'AI agent not under guard',
  'guard.released': 'AI agent out of guard',
  'posture.changed': 'Posture changed',
  'policy.applied': 'Policy applied',
  'policy.refused': 'Policy refused',
  'freeze.applied': 'Freeze applied',
  'freeze.frozen': 'AI agent frozen',
  'freeze.thawed': 'AI agent thawed',
  'process.killed': 'Process killed',
  'process.kill-refused': 'Kill refused',
  'panic.started': 'Panic started',
  'panic.finished': 'Panic finished',
  'panic.interrupted': 'Panic interrupted',
  'panic.snapshot-removed': 'Sealed snapshot removed',
  'vault.sealed': 'Key sealed',
  'vault.unsealed': 'Sealed key shown',
  'vault.rotated': 'Sealed key replaced',
  'vault.revoked': 'Sealed key removed',
  'vault.refused': 'Sealed key refused',
  'caller.allowed': 'Program allowed keys',
  'caller.disallowed': 'Program no longer allowed keys',
  'caller.refused': 'Program refused keys',
  'command.executed': 'Command carried out',
  'command.refused': 'Command refused',
  'ledger.gap': 'Events dropped',
  'ledger.followed': 'Ledger followed',
  'ledger.renamed': 'Ledger goes on under a new key',
  'ledger.contradicted': 'Ledger contradicts itself',
  'store.corrupt': 'Store of the device corrupt',
  'tamper.suspected': 'Tampering suspected',
};

const AUDIT_WORDS: Record<AuditAction, string> = {
  'alert.resolve': 'Alert resolved',
  'api-token.create': 'API token created',
  'api-token.revoke': 'API token revoked',
  'approval.allow': 'AI agent allowed to go on',
  'approval.deny': 'AI agent refused',
  'archive.run': 'Archive run started',
  'archive.verify': 'Verification of the archive started',
  'artefact.create': 'File for enrolment made',
  'audit.erase': 'Audit entry erased',
  'command.cut-connection': 'Connection cut',
  'command.decide-approval': 'Answer sent to the device',
  'command.kill': 'Process killed',
  'command.panic': 'AI agents stopped by panic',
  'command.put-secret': 'Sealed key pushed',
  'command.revoke-secret': 'Sealed key revoked',
  'command.scan': 'Device scanned',
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
  'freeze.create': 'Freeze ordered',
  'freeze.reissue': 'Freezes signed anew',
  'freeze.thaw': 'Freeze lifted',
  'incident.acknowledge': 'Incident acknowledged',
  'incident.erase': 'Samples of an incident erased',
  'incident.update': 'Incident changed',
  'ledger.audit': 'Verification of the ledger started',
  'ledger.export': 'Ledger exported with names and reasons',
  'ledger.restart': 'Ledger started anew',
  'legal-hold.lift': 'Legal hold lifted',
  'legal-hold.place': 'Legal hold placed',
  'member.create': 'Member added',
  'member.update': 'Member changed',
  'organisation.create': 'Organisation created',
  'password.change': 'Password changed',
  'password.reset': 'Password reset',
  'policy.apply': 'Policy deployed from a repository',
  'policy.deploy': 'Policy deployed',
  'policy.promote': 'Staged policy promoted',
  'policy.reissue': 'Policy signed anew',
  'policy.rollback': 'Policy rolled back',
  'policy.stage': 'Policy deployed to some devices',
  'policy.withdraw': 'Staged policy withdrawn',
  'prices.change': 'Prices changed',
  'session.end': 'Signed out',
  'session.refuse': 'Not signed in',
  'session.start': 'Signed in',
  'settings.approvals': 'Settings of approvals changed',
  'settings.forensics': 'Forensic key changed',
  'settings.identity': 'Settings of identity changed',
  'settings.record-retention': 'Retention of the record changed',
  'settings.retention': 'Retention changed',
  'team.create': 'Team created',
  'tpm-root.add': 'TPM root added',
  'tpm-root.distrust': 'TPM root distrusted',
  'tpm-root.trust': 'TPM root trusted',
};

/** Entries of the control plane that are no audit entries: what it signed and sent out. */
const CONTROL_WORDS: Record<ControlKind, string> = {
  audit: 'Change by a person',
  'device-key': 'Key of a device',
  policy: 'Policy signed',
  freeze: 'Freeze signed',
  command: 'Command signed',
  'log-key': 'Key of the ledger',
};

const RECORD_WORDS = { ...EVENT_WORDS, ...AUDIT_WORDS, ...CONTROL_WORDS };

const ACTION_WORDS: Record<Action, string> = {
  'network.connect': 'connect to',
  'model.call': 'call the model',
  'file.read': 'read',
  'file.write': 'write',
  'file.delete': 'delete',
  'process.exec': 'run',
  'device.open': 'open the device',
  'tool.call': 'call the tool',
  'package.install': 'install',
  'data.out': 'send to',
  'data.in': 'receive from',
};
