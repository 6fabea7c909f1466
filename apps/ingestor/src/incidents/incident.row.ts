import { Severity } from '@raypher/shared';
import { type Incident, IncidentOutcome, IncidentStatus } from '@raypher/shared/rest';
import { z } from 'zod';

export interface IncidentRow {
  id: string;
  deviceId: string;
  hostname: string;
  simulated: boolean;
  agentId: string;
  agentName: string;
  userName: string;
  direction: string;
  host: string;
  provider: string;
  model: string;
  classes: string[];
  detectors: string[];
  places: string[];
  outcome: string;
  wouldBlock: boolean;
  severity: string;
  findings: number;
  occurrences: number;
  firstAt: Date;
  lastAt: Date;
  lastSeq: bigint;
  status: string;
  assignee: string | null;
  resolvedAt: Date | null;
  resolvedBy: string | null;
}

const Direction = z.enum(['out', 'in']);

export function showIncident(row: IncidentRow): Incident {
  return {
    id: row.id,
    deviceId: row.deviceId,
    hostname: row.hostname,
    simulated: row.simulated,
    agent: { id: row.agentId, name: row.agentName, user: row.userName },
    direction: Direction.parse(row.direction),
    host: row.host,
    provider: row.provider,
    model: row.model,
    classes: row.classes,
    detectors: row.detectors,
    places: row.places,
    outcome: IncidentOutcome.parse(row.outcome),
    wouldBlock: row.wouldBlock,
    severity: Severity.parse(row.severity),
    findings: row.findings,
    occurrences: row.occurrences,
    firstAt: row.firstAt.toISOString(),
    lastAt: row.lastAt.toISOString(),
    lastSeq: Number(row.lastSeq),
    status: IncidentStatus.parse(row.status),
    assignee: row.assignee,
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    resolvedBy: row.resolvedBy,
  };
}
