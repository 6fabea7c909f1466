import type { EventType } from '@raypher/shared';
import type { ClassName } from './classes.ts';

/** How one type of entry becomes an OCSF event. */
export interface EventMapping {
  readonly class: ClassName;
  /** `activity_id`; a word stands for 99 (Other) with that name; `method` for that of the HTTP method. */
  readonly activity: number | string;
  /** The activity of what was denied, where the class has one. */
  readonly deniedActivity?: number;
  /** How it went, unless the verdict says. Findings are always new. */
  readonly status?: 'failure';
  /** `entity.type`: what kind of thing is managed. */
  readonly entity?: string;
  /** `state`: in which state the device's configuration is now. */
  readonly state?: string;
  /** Why this class. */
  readonly why: string;
}

/** A call of a model, that is, a `network.request` whose provider is known. */
export const MODEL_CALL: EventMapping = {
  class: 'api_activity',
  activity: 'Call model',
  why: 'a call of a model provider is a call of an API; of the classes for it this one has the profile `ai_operation` in 1.8',
};

const KERNEL =
  'one class for what the kernel refuses, because it may be a file, a process, a connection or a capability';
const HELD = 'something is done to the processes of an AI agent that their class has no number for';
const KEY = 'a sealed key is an entity that is managed; its value is nowhere';

/** Every type of entry. A type that is missing here does not compile. */
export const EVENT_MAPPINGS: Readonly<Record<EventType, EventMapping>> = {
  'agent.started': {
    class: 'application_lifecycle',
    activity: 3,
    why: 'the edge agent is the application',
  },
  'agent.stopped': {
    class: 'application_lifecycle',
    activity: 4,
    why: 'the edge agent is the application',
  },
  'device.enrolled': {
    class: 'entity_management',
    activity: 6,
    entity: 'Device',
    why: 'a device joins the organisation',
  },
  'discovery.appeared': {
    class: 'software_info',
    activity: 2,
    why: 'an inventory of AI agents on a device',
  },
  'discovery.changed': {
    class: 'software_info',
    activity: 2,
    why: 'the same; the message says what changed',
  },
  'discovery.vanished': {
    class: 'software_info',
    activity: 2,
    why: 'the same; the message says that it left',
  },
  'network.request': {
    class: 'http_activity',
    activity: 'method',
    why: 'a request that passed the proxy and is not to a model provider',
  },
  'network.tunnel': {
    class: 'network_activity',
    activity: 1,
    deniedActivity: 5,
    why: 'of a tunnel only the connection is known; `tunnel_activity` is about VPNs',
  },
  'network.uninspected': {
    class: 'network_activity',
    activity: 'Look into',
    status: 'failure',
    why: 'the connection is what it is about; nothing of HTTP was seen',
  },
  'interception.root': {
    class: 'entity_management',
    activity: 1,
    entity: 'Root certificate',
    why: 'a certificate that programs of the device shall trust was made',
  },
  'connection.cut': {
    class: 'network_activity',
    activity: 3,
    why: 'a device between the two ended it (Reset)',
  },
  'dlp.found': {
    class: 'data_security_finding',
    activity: 1,
    why: 'the class of data loss prevention; kinds and counts, never the data',
  },
  'approval.requested': {
    class: 'entity_management',
    activity: 1,
    entity: 'Approval',
    why: 'a question is opened, and people manage it; OCSF has no class for asking a person',
  },
  'approval.decided': {
    class: 'entity_management',
    activity: 3,
    entity: 'Approval',
    why: 'the same question is answered, times out or is withdrawn',
  },
  'budget.warned': {
    class: 'detection_finding',
    activity: 1,
    why: 'a limit that somebody set was reached: worth a look, and no request of its own',
  },
  'gate.decided': {
    class: 'api_activity',
    activity: 'Ask the gate',
    why: 'a program asks an API whether it may, and is answered',
  },
  'tool.changed': {
    class: 'detection_finding',
    activity: 1,
    why: 'a tool that describes itself anew may be an attack (tool poisoning)',
  },
  'guard.denied': { class: 'detection_finding', activity: 1, why: KERNEL },
  'guard.lost': {
    class: 'event_log_actvity',
    activity: 'Lose',
    status: 'failure',
    why: 'it is about records that are missing',
  },
  'guard.adopted': { class: 'process_activity', activity: 'Adopt', why: HELD },
  'guard.not-adopted': { class: 'process_activity', activity: 'Adopt', status: 'failure', why: HELD },
  'guard.released': { class: 'process_activity', activity: 'Release', why: HELD },
  'posture.changed': {
    class: 'device_config_state_change',
    activity: 1,
    state: 'Enforcement changed',
    why: 'what the device can enforce is its security state',
  },
  'policy.applied': {
    class: 'device_config_state_change',
    activity: 1,
    state: 'Policy applied',
    why: 'the configuration that protects the device changed',
  },
  'policy.refused': {
    class: 'device_config_state_change',
    activity: 1,
    status: 'failure',
    state: 'Policy refused',
    why: 'the same, and it did not',
  },
  'freeze.applied': {
    class: 'device_config_state_change',
    activity: 1,
    state: 'Freezes applied',
    why: 'which AI agents are frozen is configuration',
  },
  'freeze.frozen': { class: 'process_activity', activity: 'Freeze', why: HELD },
  'freeze.thawed': { class: 'process_activity', activity: 'Thaw', why: HELD },
  'process.killed': { class: 'process_activity', activity: 2, why: 'processes of an AI agent were ended' },
  'process.kill-refused': {
    class: 'process_activity',
    activity: 2,
    status: 'failure',
    why: 'they were not',
  },
  'panic.started': {
    class: 'process_activity',
    activity: 'Panic',
    why: 'all AI agents of the device are about to be stopped',
  },
  'panic.finished': { class: 'process_activity', activity: 2, why: 'they are' },
  'panic.interrupted': {
    class: 'process_activity',
    activity: 2,
    status: 'failure',
    why: 'the machine went down in between',
  },
  'panic.snapshot-removed': {
    class: 'entity_management',
    activity: 4,
    entity: 'Sealed snapshot',
    why: 'evidence made room for newer evidence',
  },
  'vault.sealed': { class: 'entity_management', activity: 1, entity: 'Sealed key', why: KEY },
  'vault.unsealed': { class: 'entity_management', activity: 2, entity: 'Sealed key', why: KEY },
  'vault.rotated': { class: 'entity_management', activity: 3, entity: 'Sealed key', why: KEY },
  'vault.revoked': { class: 'entity_management', activity: 4, entity: 'Sealed key', why: KEY },
  'vault.refused': {
    class: 'entity_management',
    activity: 2,
    status: 'failure',
    entity: 'Sealed key',
    why: KEY,
  },
  'caller.allowed': {
    class: 'entity_management',
    activity: 8,
    entity: 'Allowed program',
    why: 'the list of programs that may use sealed keys is managed',
  },
  'caller.disallowed': {
    class: 'entity_management',
    activity: 9,
    entity: 'Allowed program',
    why: 'the list of programs that may use sealed keys is managed',
  },
  'caller.refused': {
    class: 'api_activity',
    activity: 'Use a sealed key',
    status: 'failure',
    why: 'a program called an API with a key that it may not use',
  },
  'command.executed': {
    class: 'api_activity',
    activity: 'Run command',
    why: 'the control plane calls the device',
  },
  'command.refused': {
    class: 'api_activity',
    activity: 'Run command',
    status: 'failure',
    why: 'the control plane calls the device',
  },
  'ledger.gap': {
    class: 'event_log_actvity',
    activity: 'Drop',
    status: 'failure',
    why: 'it is about records that are missing',
  },
  'ledger.followed': {
    class: 'event_log_actvity',
    activity: 'Follow',
    why: 'it is about the log of these records',
  },
  'ledger.renamed': {
    class: 'event_log_actvity',
    activity: 'Rename',
    why: 'it is about the log of these records',
  },
  'ledger.contradicted': {
    class: 'detection_finding',
    activity: 1,
    why: 'a control plane that lost nothing and hides nothing does not do it',
  },
  'store.corrupt': {
    class: 'detection_finding',
    activity: 1,
    why: 'something that only tampering or a broken disk does',
  },
  'tamper.suspected': { class: 'detection_finding', activity: 1, why: 'what a detection is' },
};
