import type { LedgerEntry } from '@raypher/shared';
import { actorOf, processOf, someActor } from './actor.ts';
import { aiOperationOf } from './ai-operation.ts';
import { dataSecurityOf } from './data-security.ts';
import { destinationOf, httpRequestOf, httpResponseOf, trafficOf } from './endpoint.ts';
import type { EventMapping } from './event-mappings.ts';
import type { Facts } from './facts.ts';
import { type OcsfObject, present, said, unlessEmpty } from './ocsf-event.ts';

/** What the attributes of a class are made of. */
export interface Source {
  entry: LedgerEntry;
  mapping: EventMapping;
  facts: Facts;
  device: OcsfObject;
  /** The device as one end of a connection. */
  source: OcsfObject;
  /** Identifies the event for ever. */
  uid: string;
  time: number;
}

/** The attributes that belong to the class alone. */
export function classAttributes(from: Source): OcsfObject {
  const { entry, mapping, facts } = from;
  switch (mapping.class) {
    case 'process_activity':
      return { actor: someActor(entry.actor), process: subjectOf(entry) };
    case 'event_log_actvity':
      return present({
        actor: actorOf(entry.actor),
        log_name: 'ledger of the device',
        log_type_id: 2,
        log_type: 'Application',
      });
    case 'detection_finding':
      return { ...findingOf(from), evidences: [evidenceOf(entry)] };
    case 'data_security_finding':
      return {
        ...findingOf(from),
        ...present({
          actor: actorOf(entry.actor),
          src_endpoint: facts.is('direction', 'out') ? from.source : undefined,
          dst_endpoint: destinationOf(facts),
        }),
        data_security: dataSecurityOf(facts),
      };
    case 'entity_management':
      return present({
        actor: actorOf(entry.actor),
        src_endpoint: from.source,
        entity: entityOf(from),
        comment: facts.text('reason'),
      });
    case 'network_activity':
      return { ...networkAttributes(from), ...present({ dst_endpoint: destinationOf(facts) }) };
    case 'http_activity':
      return httpAttributes(from);
    case 'device_config_state_change':
      return present({
        actor: actorOf(entry.actor),
        state_id: 99,
        state: mapping.state,
      });
    case 'software_info':
      return present({
        actor: actorOf(entry.actor),
        product: unlessEmpty(present({ name: said(entry.actor.name), uid: said(entry.actor.id) })),
      });
    case 'application_lifecycle':
      return present({
        actor: actorOf(entry.actor),
        app: present({ name: 'Raypher edge agent', vendor_name: 'Raypher', version: facts.text('version') }),
      });
    case 'api_activity':
      return apiAttributes(from);
  }
}

function apiAttributes(from: Source): OcsfObject {
  const { entry, facts } = from;
  const provider = facts.text('provider');
  const destination = destinationOf(facts);
  const common = {
    actor: someActor(entry.actor),
    src_endpoint: from.source,
    ...present({ dst_endpoint: destination }),
  };
  if (entry.type !== 'network.request' || provider === undefined) {
    return {
      ...common,
      api: { operation: operationOf(from) },
      ...present({ resources: entry.target === '' ? undefined : [{ name: entry.target }] }),
    };
  }
  return {
    ...common,
    api: { operation: operationOf(from), service: { name: provider } },
    http_request: httpRequestOf(entry.target, hostOf(destination), facts),
    ...present({ http_response: httpResponseOf(facts) }),
    ...aiOperationOf(provider, facts),
  };
}

/** OCSF wants one, and an entry may leave it out. */
function operationOf({ entry, mapping }: Source): string {
  return entry.action || String(mapping.activity);
}

function httpAttributes(from: Source): OcsfObject {
  const { entry, facts } = from;
  const destination = destinationOf(facts);
  return {
    ...networkAttributes(from),
    ...present({ dst_endpoint: destination }),
    http_request: httpRequestOf(entry.target, hostOf(destination), facts),
    ...present({ http_response: httpResponseOf(facts) }),
  };
}

function networkAttributes({ entry, facts, source }: Source): OcsfObject {
  return present({ actor: actorOf(entry.actor), src_endpoint: source, traffic: trafficOf(facts) });
}

/** A finding is found by what the entry says, and named by it. */
function findingOf({ entry, uid, time }: Source): OcsfObject {
  return {
    finding_info: present({
      uid,
      title: sentenceOf(entry),
      types: [entry.type],
      created_time: time,
      desc: said(entry.verdict?.reason),
    }),
    is_alert: entry.severity === 'warning' || entry.severity === 'critical',
  };
}

function evidenceOf(entry: LedgerEntry): OcsfObject {
  return present({
    actor: actorOf(entry.actor),
    process: processOf(entry.actor),
    data: { action: entry.action, target: entry.target },
  });
}

function entityOf({ entry, mapping, device, facts }: Source): OcsfObject {
  const type = mapping.entity ?? 'Other';
  if (type === 'Device') return { name: entry.target || type, type, type_id: 1, device };
  return present({
    name: entry.target || type,
    uid: type === 'Approval' ? facts.text('approval') : undefined,
    type,
    type_id: 99,
  });
}

const NUMBERED = /^process (\d{1,9})(?: \((.+)\))?$/s;

/** The process that something was done to; where the entry names none, what it names instead. */
function subjectOf({ target, action }: LedgerEntry): OcsfObject {
  const [, pid, name] = NUMBERED.exec(target) ?? [];
  if (pid !== undefined) return present({ pid: Number(pid), name });
  return { name: target || action || 'unknown' };
}

function hostOf(destination: OcsfObject | undefined): string | undefined {
  const host = destination?.hostname;
  return typeof host === 'string' ? host : undefined;
}

/** Who did what to what. */
export function sentenceOf({ actor, action, target, type }: LedgerEntry): string {
  const words = [actor.name || actor.kind, action, target].filter((word) => word !== '');
  return `${type}: ${words.join(' ')}`;
}
