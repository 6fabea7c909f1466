import { classOf } from './classes.ts';
import { frameOf, productOf } from './event-frame.ts';
import { type OcsfEvent, type OcsfObject, type OcsfValue, present } from './ocsf-event.ts';

/** What the control plane itself put into the log. Its private part is not among this. */
export interface ControlEntry {
  organisation: string;
  /** Number in the chain of the control plane's entries, from 1. */
  id: number;
  kind: string;
  at: Date;
  /** Members that are the kind's own. */
  body: Readonly<Record<string, unknown>>;
  /** Its place in the organisation's log. */
  index: number;
}

/** What an entry of each kind is about, and what happens to it. Audit entries say it themselves. */
export const CONTROL_KINDS: ReadonlyMap<string, { entity: string; type_id: number; activity: number }> =
  new Map(
    Object.entries({
      'device-key': { entity: 'Device', type_id: 1, activity: 6 },
      policy: { entity: 'Policy', type_id: 5, activity: 10 },
      freeze: { entity: 'Freeze', type_id: 99, activity: 10 },
      command: { entity: 'Command', type_id: 99, activity: 1 },
      'log-key': { entity: 'Log key', type_id: 99, activity: 1 },
    }),
  );

/** The verbs of `object.verb` in an audit entry that OCSF has numbers for. */
export const AUDIT_VERBS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    create: 1,
    add: 1,
    issue: 1,
    read: 2,
    show: 2,
    update: 3,
    change: 3,
    delete: 4,
    remove: 4,
    revoke: 4,
    enrol: 6,
    enable: 8,
    disable: 9,
    deploy: 10,
  }),
);

/**
 * An administrator's action, or another entry of the control plane, as Entity Management. Who it was is there by id
 * alone: names, reasons and values are in the private part, which can be erased and is not exported.
 */
export function controlToOcsf(entry: ControlEntry): OcsfEvent {
  const { organisation, id, kind, at, body, index } = entry;
  const { entity, activity } = kind === 'audit' ? auditOf(body) : ofKind(kind);
  const time = at.getTime();
  const original = `control/${id}`;
  const said = toValue(body);
  return {
    ...frameOf({
      class: 'entity_management',
      activity,
      severity: 'info',
      time,
      metadata: {
        product: productOf('Raypher control plane', undefined),
        profiles: ['host'],
        uid: `${organisation}/${original}`,
        original_event_uid: original,
        event_code: `control.${kind}`,
        sequence: index,
        tenant_uid: organisation,
        original_time: at.toISOString(),
        logged_time: time,
      },
    }),
    message: `control.${kind}: ${typeof activity === 'string' ? activity : classOf('entity_management').activities[activity]} ${String(entity.name)}`,
    status_id: 1,
    status: 'Success',
    ...present({ actor: actorOf(body.actor) }),
    entity,
    unmapped: { kind, body: said ?? {} },
  };
}

function ofKind(kind: string): { entity: OcsfObject; activity: number | string } {
  const known = CONTROL_KINDS.get(kind);
  if (known === undefined) return { entity: { name: kind, type: kind, type_id: 99 }, activity: 'Record' };
  const { entity: type, type_id, activity } = known;
  return { entity: { name: type, type, type_id }, activity };
}

function auditOf({ action }: ControlEntry['body']): { entity: OcsfObject; activity: number | string } {
  const words = typeof action === 'string' && action !== '' ? action : 'unknown';
  const [object = words, verb = 'change'] = words.split('.', 2);
  const type = object === '' ? 'unknown' : object;
  return {
    entity: { name: type, type, type_id: type === 'device' ? 1 : type === 'policy' ? 5 : 99 },
    activity: AUDIT_VERBS.get(verb) ?? (verb === '' ? 'change' : verb),
  };
}

/** By id alone. */
function actorOf(actor: unknown): OcsfObject | undefined {
  if (typeof actor !== 'object' || actor === null || !('id' in actor) || typeof actor.id !== 'string') {
    return undefined;
  }
  if (actor.id === '') return undefined;
  const isUser = 'kind' in actor && actor.kind === 'user';
  return isUser ? { user: { uid: actor.id } } : { app_uid: actor.id };
}

/** JSON as OCSF has it: without null. */
function toValue(value: unknown): OcsfValue | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (Array.isArray(value)) return value.flatMap((part) => toValue(part) ?? []);
  if (typeof value !== 'object' || value === null) return undefined;
  return present(Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toValue(part)])));
}
