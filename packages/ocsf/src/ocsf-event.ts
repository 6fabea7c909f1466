/** What the events say that they follow; schema/README.md says what they were checked against. */
export const OCSF_VERSION = '1.8.0';

/** An attribute as JSON has it. */
export type OcsfValue = string | number | boolean | OcsfValue[] | { [attribute: string]: OcsfValue };
/** An OCSF object; what is undefined is left out. */
export type OcsfObject = Record<string, OcsfValue>;

/** One OCSF event. The members that every class requires are typed, the rest is its class's. */
export interface OcsfEvent {
  [attribute: string]: OcsfValue;
  metadata: OcsfObject;
  category_uid: number;
  class_uid: number;
  activity_id: number;
  /** `class_uid` × 100 + `activity_id`. */
  type_uid: number;
  /** 1 informational, 2 low, 3 medium, 5 critical. */
  severity_id: number;
  /** Milliseconds since the epoch, by the clock of whoever wrote the entry. */
  time: number;
}

/** What is known of an entry beside its own bytes. */
export interface ExportContext {
  /** Its place in the organisation's log. */
  index: number;
  /** When the control plane stored it. */
  receivedAt: Date;
  /** The device, as it is known now. Absent when nothing is. */
  device?: { hostname: string; os: string; agentVersion: string } | undefined;
}

/** Leaves out members without a value, so that none is invented. */
export function present(members: Record<string, OcsfValue | undefined>): OcsfObject {
  return Object.fromEntries(Object.entries(members).filter(has));
}

function has(member: [string, OcsfValue | undefined]): member is [string, OcsfValue] {
  return member[1] !== undefined;
}

/** The object, or nothing when it says nothing. */
export function unlessEmpty(members: OcsfObject): OcsfObject | undefined {
  return Object.keys(members).length === 0 ? undefined : members;
}

/** The text, or nothing when it is empty: OCSF leaves out what is not known. */
export function said(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
