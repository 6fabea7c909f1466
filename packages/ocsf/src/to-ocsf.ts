import type { LedgerEntry } from '@raypher/shared';
import { classAttributes, sentenceOf } from './class-attributes.ts';
import { type ClassName, classOf } from './classes.ts';
import { deviceOf, sourceOf } from './device.ts';
import { frameOf, productOf } from './event-frame.ts';
import { EVENT_MAPPINGS, type EventMapping, MODEL_CALL } from './event-mappings.ts';
import { Facts } from './facts.ts';
import { observablesOf } from './observables.ts';
import { type ExportContext, type OcsfEvent, type OcsfObject, present, said } from './ocsf-event.ts';
import { decidedBy, dispositionOf } from './security-control.ts';

/**
 * One entry of a device's ledger as an OCSF 1.8 event. Everything that the entry says is in it; what has no home in
 * OCSF is under `unmapped`. Its private part is not.
 *
 * `metadata.uid` is the same however often and by whomever the entry is sent, so that a receiver can drop repetitions.
 *
 * @example
 * toOcsf(entry, { index: 41, receivedAt, device: { hostname: 'dev-1', os: 'linux', agentVersion: '0.1.0' } });
 */
export function toOcsf(entry: LedgerEntry, context: ExportContext): OcsfEvent {
  const facts = new Facts(entry.data);
  const mapping = mappingOf(entry, facts);
  const original = `${entry.device}/${entry.seq}`;
  const uid = `${entry.organisation}/${original}`;
  const time = Date.parse(entry.at);
  const device = deviceOf(entry.device, context.device, entry.organisation);
  const disposition = dispositionOf(entry, facts);
  const isDenied = disposition?.action_id === 2;
  const attributes = {
    ...present({ count: facts.whole('count', 1), duration: facts.whole('durationMs') }),
    ...decidedBy(entry.verdict),
    ...disposition,
    ...statusOf(mapping, isDenied),
    // Before what is left is looked at: what is taken here is left no longer.
    ...classAttributes({
      entry,
      mapping,
      facts,
      device,
      source: sourceOf(entry.device, context.device),
      uid,
      time,
    }),
    device,
  };
  const event = {
    ...frameOf({
      class: mapping.class,
      activity: activityOf(mapping, attributes, isDenied),
      severity: entry.severity,
      time,
      metadata: present({
        product: productOf('Raypher edge agent', said(context.device?.agentVersion)),
        profiles: profilesOf(attributes),
        uid,
        original_event_uid: original,
        event_code: entry.type,
        sequence: context.index,
        tenant_uid: entry.organisation,
        original_time: entry.at,
        logged_time: context.receivedAt.getTime(),
      }),
    }),
    message: sentenceOf(entry),
    ...attributes,
    unmapped: unmappedOf(entry, facts),
  };
  const observables = observablesOf(event);
  return observables.length === 0 ? event : { ...event, observables };
}

function mappingOf({ type }: LedgerEntry, facts: Facts): EventMapping {
  const isModelCall = type === 'network.request' && !facts.is('provider', '') && 'provider' in facts.left;
  return isModelCall && typeof facts.left.provider === 'string' ? MODEL_CALL : EVENT_MAPPINGS[type];
}

function activityOf(mapping: EventMapping, attributes: OcsfObject, isDenied: boolean): number | string {
  if (isDenied && mapping.deniedActivity !== undefined) return mapping.deniedActivity;
  return mapping.activity === 'method' ? methodActivity(attributes) : mapping.activity;
}

/** The activities of HTTP Activity are the methods. */
function methodActivity({ http_request }: OcsfObject): number {
  if (typeof http_request !== 'object' || Array.isArray(http_request)) return 0;
  const { http_method } = http_request;
  const { activities } = classOf('http_activity');
  const found = Object.entries(activities).find(([, name]) => name.toUpperCase() === http_method);
  return Number(found?.[0] ?? 0);
}

const FINDINGS = new Set<ClassName>(['detection_finding', 'data_security_finding']);

function statusOf(mapping: EventMapping, isDenied: boolean): OcsfObject {
  // Of a finding the status is how far people are with it.
  if (FINDINGS.has(mapping.class)) return { status_id: 1, status: 'New' };
  if (mapping.status === 'failure' || isDenied) return { status_id: 2, status: 'Failure' };
  return { status_id: 1, status: 'Success' };
}

function profilesOf(attributes: OcsfObject): string[] {
  return [
    'host',
    ...('action_id' in attributes || 'policy' in attributes ? ['security_control'] : []),
    ...('ai_model' in attributes || 'message_context' in attributes ? ['ai_operation'] : []),
  ];
}

/** The words of the entry itself, and the facts that have no home. */
function unmappedOf({ actor, action, target, verdict, private: commitment }: LedgerEntry, facts: Facts) {
  return present({
    actor_kind: actor.kind,
    actor_id: said(actor.id),
    action,
    target,
    verdict: verdict === undefined ? undefined : { outcome: verdict.outcome, mode: verdict.mode },
    private_sha256: commitment,
    data: facts.left,
  });
}
