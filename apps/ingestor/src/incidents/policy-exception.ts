import { normaliseHost } from '@raypher/policy';
import type { Incident } from '@raypher/shared/rest';

/** How long a suggested exception lasts, days; whoever pastes it may change that. */
const LASTS_DAYS = 90;

/**
 * An exception for the document that decided, as narrow as the incident: this detector, this host, this AI agent.
 * It is shown to be copied into the policy editor; nothing applies it.
 *
 * @param rule that decided, such as `no-credentials` or `dlp/default`
 * @param owner who asks for it
 * @param now milliseconds since the epoch
 */
export function policyException(
  incident: Pick<Incident, 'id' | 'detectors' | 'classes' | 'host' | 'agent'>,
  rule: string,
  owner: string,
  now: number,
): string {
  const { id, detectors, classes, agent } = incident;
  const host = normaliseHost(incident.host);
  const isKnownAgent = /^[0-9a-f]{64}$/.test(agent.id);
  const expires = new Date(now + LASTS_DAYS * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    'exceptions:',
    `  - id: false-positive-${id.slice(0, 8)}`,
    `    rules: ${list([rule])}`,
    detectors.length > 0 ? `    detectors: ${list(detectors)}` : `    classes: ${list(classes)}`,
    ...(host === undefined ? [] : [`    destinations: ${list([host])}`]),
    ...(isKnownAgent ? [`    agents: { ids: ${list([agent.id])} }  # ${oneLine(agent.name)}`] : []),
    `    owner: ${JSON.stringify(owner)}`,
    `    reason: ${JSON.stringify(`Looked at: not sensitive (incident ${id.slice(0, 8)}).`)}`,
    `    expires: ${expires}`,
    '',
  ].join('\n');
}

/** A JSON list is a YAML list. */
function list(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
}

/** Names come from devices: in a comment they must not start a line of their own. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\xa1-\ud7ff\ue000-\ufeff]/g, ' ').slice(0, 80);
}
