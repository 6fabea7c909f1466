import { controlToOcsf, type OcsfEvent, toOcsf } from '@raypher/ocsf';
import { LedgerEntry, Severity } from '@raypher/shared';
import type { ExportFilter } from '@raypher/shared/rest';
import { z } from 'zod';
import { asciiJson, type OutgoingEvent } from './delivery.ts';
import type { PlacedRow } from './log-reader.repository.ts';

const Body = z.record(z.string(), z.unknown());

/** Those of the rows that the filter wants, as events. */
export function outgoingEvents(
  organisationId: string,
  rows: readonly PlacedRow[],
  filter: ExportFilter,
): OutgoingEvent[] {
  return rows.flatMap((row) => outgoingEvent(organisationId, row, filter) ?? []);
}

function outgoingEvent(
  organisationId: string,
  row: PlacedRow,
  filter: ExportFilter,
): OutgoingEvent | undefined {
  const index = Number(row.index);
  if (row.entry === null) {
    if (filter.types !== undefined && !filter.types.includes('control')) return undefined;
    const event = controlToOcsf({
      organisation: organisationId,
      id: Number(row.controlId),
      kind: row.kind ?? '',
      at: row.at,
      body: Body.parse(row.body),
      index,
    });
    return finished(index, 'info', event);
  }
  const entry = LedgerEntry.parse(JSON.parse(row.entry));
  if (filter.types !== undefined && !filter.types.includes(entry.type)) return undefined;
  if (rank(entry.severity) < rank(filter.severity ?? 'info')) return undefined;
  const { hostname, os, agentVersion } = row;
  const device =
    hostname === null || os === null || agentVersion === null ? undefined : { hostname, os, agentVersion };
  return finished(index, entry.severity, toOcsf(entry, { index, receivedAt: row.at, device }));
}

/** With its JSON. */
export function finished(index: number, severity: Severity, event: OcsfEvent): OutgoingEvent {
  return { index, severity, event, json: asciiJson(event) };
}

function rank(severity: Severity): number {
  return Severity.options.indexOf(severity);
}
