import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, RaypherError } from '@raypher/shared';
import { ExportFilter } from '@raypher/shared/rest';
import { TenantDatabase } from '../database/tenant-database.ts';
import type { ExportDestination } from '../generated/prisma/client.ts';
import { DeliveryError, type Sender } from './delivery.ts';
import type { ExportAlerts } from './export-alerts.service.ts';
import type { ExportCursorsRepository } from './export-cursors.repository.ts';
import type { ExportMetrics } from './export-metrics.ts';
import type { ExportPace } from './export-pace.ts';
import { pauseMs } from './export-pace.ts';
import type { LogReaderRepository, PlacedRow } from './log-reader.repository.ts';
import { outgoingEvents } from './outgoing.ts';
import type { Senders } from './senders.ts';

/** What all workers of a process share. */
export interface ExportResources {
  /** Of this process: who sends is known by it. */
  owner: string;
  pace: ExportPace;
  database: TenantDatabase;
  cursors: ExportCursorsRepository;
  log: LogReaderRepository;
  senders: Senders;
  alerts: ExportAlerts;
  metrics: ExportMetrics;
}

/** Batches after which others get a turn. */
const BATCHES_A_TURN = 200;

/**
 * Sends one destination what it has not confirmed, batch after batch: read, send, and only then move the cursor. Holds
 * one batch in memory however slow the receiver is.
 *
 * @param signal ends it between two batches
 */
export async function exportTo(
  { organisationId, destinationId }: { organisationId: string; destinationId: string },
  resources: ExportResources,
  signal: AbortSignal,
): Promise<void> {
  const { cursors, owner, pace, log } = resources;
  let sender: Sender | undefined;
  let version: number | undefined;
  try {
    for (let turn = 0; turn < BATCHES_A_TURN && !signal.aborted; turn += 1) {
      const lease = await cursors.lease(organisationId, destinationId, owner, pace.leaseMs);
      if (lease === undefined) return;
      const { destination, cursor } = lease;
      const rows = await log.read(organisationId, cursor.nextIndex, MAX_BATCH_ENTRIES, MAX_BATCH_BYTES);
      if (rows.length === 0) break;
      try {
        requireWhole(rows, cursor.nextIndex);
        if (version !== destination.version) {
          await sender?.close();
          sender = resources.senders.open(destination);
          version = destination.version;
        }
        if (sender === undefined) return;
        if (!(await deliver(destination, rows, sender, resources))) return;
      } catch (error) {
        await failed(destination, cursor.failures, error, resources);
        return;
      }
    }
    await cursors.release(organisationId, destinationId, owner);
  } finally {
    await sender?.close();
  }
}

/** @returns false when somebody else sends by now */
async function deliver(
  destination: ExportDestination,
  rows: readonly PlacedRow[],
  sender: Sender,
  { database, cursors, owner, pace, alerts, metrics }: ExportResources,
): Promise<boolean> {
  const { id, organisationId } = destination;
  const events = outgoingEvents(organisationId, rows, ExportFilter.parse(destination.filter));
  if (events.length > 0) {
    // A receiver may take longer than a lease, and a process that died must not be waited for that long.
    const beat = setInterval(() => {
      cursors.renew(organisationId, id, owner, pace.leaseMs).catch(() => undefined);
    }, pace.leaseMs / 3);
    try {
      await sender.send(events);
    } finally {
      clearInterval(beat);
    }
  }
  const nextIndex = (rows.at(-1)?.index ?? 0n) + 1n;
  const isOurs = await database.within(organisationId, async (tx) => {
    const moved = await cursors.advance(tx, id, owner, {
      nextIndex,
      events: events.length,
      leaseMs: pace.leaseMs,
    });
    if (moved) await alerts.close(tx, id);
    return moved;
  });
  if (isOurs) metrics.sent(id, events.length);
  return isOurs;
}

async function failed(
  destination: ExportDestination,
  before: number,
  error: unknown,
  { database, cursors, owner, pace, alerts, metrics }: ExportResources,
): Promise<void> {
  const delivery = error instanceof DeliveryError ? error : undefined;
  const words = wordsOf(error);
  metrics.failed(destination.id);
  await database.within(destination.organisationId, async (tx) => {
    const since = await cursors.fail(tx, destination.id, owner, {
      words,
      pauseMs: pauseMs(pace, before, delivery),
    });
    if (since !== undefined && Date.now() - since.getTime() >= pace.alertAfterMs) {
      await alerts.raise(tx, destination, words, since);
    }
  });
}

/** What is no refusal is a fault of ours: the entry is named by the cursor, and nothing of it is in the message. */
function wordsOf(error: unknown): string {
  if (error instanceof DeliveryError || error instanceof RaypherError) return error.message;
  return `it cannot be sent: ${error instanceof Error ? error.name : 'error'}`;
}

/** Places follow each other. A hole is never passed over: what is missing might still come, or was taken away. */
function requireWhole(rows: readonly PlacedRow[], from: bigint): void {
  rows.forEach(({ index }, at) => {
    const expected = from + BigInt(at);
    if (index !== expected) {
      throw new DeliveryError(`entry ${expected} of the log cannot be read`, { isPermanent: true });
    }
  });
}
