import { CLASSES, classOf, OTHER } from '../classes.ts';
import { AUDIT_VERBS, CONTROL_KINDS } from '../control-to-ocsf.ts';
import { SEVERITIES } from '../event-frame.ts';
import { EVENT_MAPPINGS, type EventMapping, MODEL_CALL } from '../event-mappings.ts';

/** The tables of docs/ocsf.md, from the tables that the events are made with. */
export function renderMappings(): string {
  return [
    '| entry | OCSF class | activity | goes as | because |',
    '|---|---|---|---|---|',
    ...Object.entries(EVENT_MAPPINGS).flatMap(([type, mapping]) =>
      type === 'network.request'
        ? [row(`${type} to a model provider`, MODEL_CALL), row(`${type} to others`, mapping)]
        : [row(type, mapping)],
    ),
    '',
    '| entry of the control plane | OCSF class | activity | entity |',
    '|---|---|---|---|',
    ...[...CONTROL_KINDS].map(
      ([kind, { entity, activity }]) =>
        `| ${kind} | Entity Management 3004 | ${activityOf('entity_management', activity)} | ${entity} |`,
    ),
    '| audit (an administrator did something) | Entity Management 3004 | by its verb | the word before the dot |',
    '',
    `Verbs of the audit with a number of OCSF's: ${[...AUDIT_VERBS]
      .map(([verb, activity]) => `${verb} ${activity}`)
      .join(', ')}. Others are ${OTHER} with the verb as \`activity_name\`.`,
    '',
    '| severity of the entry | `severity_id` |',
    '|---|---|',
    ...Object.entries(SEVERITIES).map(
      ([ours, { severity_id, severity }]) => `| ${ours} | ${severity_id} ${severity} |`,
    ),
    '',
  ].join('\n');
}

function row(type: string, mapping: EventMapping): string {
  const { class: name, activity, deniedActivity, status, entity, state, why } = mapping;
  const { uid, caption } = CLASSES[name];
  const denied = deniedActivity === undefined ? '' : `; denied: ${activityOf(name, deniedActivity)}`;
  const words = [
    status,
    entity === undefined ? undefined : `entity: ${entity}`,
    state === undefined ? undefined : `state: ${state}`,
  ];
  const goesAs = words.filter((word) => word !== undefined).join('; ');
  return `| ${type} | ${caption} ${uid} | ${activityOf(name, activity)}${denied} | ${goesAs} | ${why} |`;
}

function activityOf(name: keyof typeof CLASSES, activity: number | string): string {
  if (activity === 'method') return 'the HTTP method';
  if (typeof activity === 'string') return `${OTHER} ${activity}`;
  return `${activity} ${classOf(name).activities[activity]}`;
}
