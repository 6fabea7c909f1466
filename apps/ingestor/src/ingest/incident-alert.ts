import type { WorstAlert } from './alerts.repository.ts';
import type { IncidentSighting } from './incident-sighting.ts';
import type { RecordedIncident } from './incidents.repository.ts';

/**
 * New incidents that were blocked or are critical, one alert for each AI agent and host. The worst of them gives it its
 * name, and it says how many there are.
 */
export function alertsAbout(incidents: readonly RecordedIncident[]): WorstAlert[] {
  const alerts = new Map<string, WorstAlert>();
  for (const { id, isNew, sightings } of incidents) {
    const [sighting] = sightings;
    if (!isNew || (sighting.severity !== 'critical' && sighting.outcome !== 'block')) continue;
    const alert = alertAbout(id, sighting);
    const key = `${alert.organisationId} ${alert.subject}`;
    const known = alerts.get(key);
    const worst = known !== undefined && known.badness >= alert.badness ? known : alert;
    alerts.set(key, { ...worst, count: (known?.count ?? 0) + 1 });
  }
  return [...alerts.values()];
}

function alertAbout(id: string, sighting: IncidentSighting): WorstAlert {
  return {
    organisationId: sighting.organisation_id,
    deviceId: sighting.device_id,
    kind: 'dlp.found',
    // The device first: one that names an AI agent of another must not keep its alerts quiet.
    subject: [sighting.device_id, sighting.agent_id, sighting.direction, sighting.host].join(' '),
    severity: sighting.severity === 'critical' ? 'critical' : 'warning',
    title: titleOf(sighting),
    detail: { incident: id, outcome: sighting.outcome, classes: sighting.classes },
    badness: badnessOf(sighting),
    count: 1,
  };
}

const SEVERITIES = ['info', 'notice', 'warning', 'critical'];
/** What left the machine is worse than what was stopped. */
const GOT_THROUGH: Record<IncidentSighting['outcome'], number> = {
  block: 0,
  redact: 0,
  prompt: 1,
  alert: 2,
  allow: 2,
};

/** How bad it is; at least 1. */
function badnessOf({ severity, outcome }: IncidentSighting): number {
  return 1 + SEVERITIES.indexOf(severity) * 3 + GOT_THROUGH[outcome];
}

/** How classes of data are called in a sentence; what a policy calls its own stands as it is. */
const CLASS_WORDS: Readonly<Record<string, string>> = {
  credential: 'a key or password',
  payment: 'payment data',
  'national-id': 'a national id',
  contact: 'contact data',
  person: 'a name of a person',
  health: 'health data',
  wallet: 'a wallet key',
  'unknown-secret': 'what may be a secret',
};
const NAMED = 3;

const ENDINGS: Record<IncidentSighting['outcome'], { tried: boolean; end: string }> = {
  block: { tried: true, end: 'blocked' },
  redact: { tried: true, end: 'taken out of the message' },
  prompt: { tried: true, end: 'a person was asked' },
  alert: { tried: false, end: 'let through' },
  allow: { tried: false, end: 'let through' },
};

/** @example 'node agent.mjs tried to send a key or password to api.example.com: blocked' */
function titleOf({ agent_name, classes, host, direction, outcome, would_block }: IncidentSighting): string {
  const who = agent_name.slice(0, 100);
  const where = host.slice(0, 200);
  const what = enumerate(classes.map((name) => CLASS_WORDS[name] ?? `“${name}”`));
  const { tried, end } = ENDINGS[outcome];
  const sent = tried ? 'tried to send' : 'sent';
  const did = direction === 'out' ? `${sent} ${what} to ${where}` : `was sent ${what} by ${where}`;
  return `${who} ${did}: ${would_block && !tried ? 'let through, as the policy only monitors' : end}`.slice(
    0,
    500,
  );
}

function enumerate(words: readonly string[]): string {
  if (words.length === 0) return 'sensitive data';
  const named = words.length > NAMED ? [...words.slice(0, NAMED), 'more'] : words;
  const last = named.at(-1) ?? '';
  return named.length === 1 ? last : `${named.slice(0, -1).join(', ')} and ${last}`;
}
