import { type ConnectionsBatch, type ConnectionView, connectionKey } from '@raypher/shared/rest';
import type { DeviceConnections } from '../redis/channels.ts';

/** Rows of one organisation that are kept; the others are counted, and come in when there is room. */
const MOST_ROWS = 2_000;
/** Devices that tell every ten seconds at the latest. */
const SILENT_AFTER_MS = 45_000;
/** Then its new stream has told something. */
const COMES_BACK_WITHIN_MS = 12_000;

/** Part of an organisation's connections, as one browser may and wants to see them. */
export interface ConnectionsPart {
  /** Undefined: of all. */
  team: string | undefined;
  device: string | undefined;
  agent: string | undefined;
  /** Whether what is said may be seen. */
  previews: boolean;
}

interface KnownDevice {
  teamId: string | null;
  total: number;
  /** Milliseconds, monotonic. */
  heardAt: number;
}

/** What one organisation's devices have open, in the memory of this process and only while somebody watches. */
export class ConnectionBook {
  private readonly rows = new Map<string, ConnectionView>();
  private readonly devices = new Map<string, KnownDevice>();
  /** Since the last batch. */
  private readonly changed = new Set<string>();
  private readonly closed = new Map<string, ConnectionView>();
  private readonly gone = new Map<string, ConnectionView>();
  private isCounted = true;

  get hasChanges(): boolean {
    return !this.isCounted || this.changed.size > 0 || this.closed.size > 0 || this.gone.size > 0;
  }

  take({ deviceId, snapshot, open, closed, leftOut, total }: DeviceConnections, now: number): void {
    const known = this.devices.get(deviceId);
    const teamId = open[0]?.teamId ?? known?.teamId ?? null;
    if (known?.total !== total) this.isCounted = false;
    this.devices.set(deviceId, { teamId, total, heardAt: now });
    if (snapshot) {
      const still = new Set(open.map(connectionKey));
      for (const [key, row] of this.rows)
        if (row.deviceId === deviceId && !still.has(key)) this.drop(key, this.gone);
    }
    const ended = new Set(closed);
    for (const row of open) {
      const key = connectionKey(row);
      if (!this.rows.has(key) && this.rows.size >= MOST_ROWS) continue;
      this.rows.set(key, row);
      this.gone.delete(key);
      this.changed.add(key);
    }
    for (const id of ended) this.drop(connectionKey({ deviceId, id }), this.closed);
    for (const id of leftOut) if (!ended.has(id)) this.drop(connectionKey({ deviceId, id }), this.gone);
  }

  /** Its stream has ended. It may have another one already, of which this was heard later. */
  left(deviceId: string, now: number): void {
    const device = this.devices.get(deviceId);
    if (device === undefined) return;
    device.heardAt = Math.min(device.heardAt, now - SILENT_AFTER_MS + COMES_BACK_WITHIN_MS);
  }

  /** A device of which nobody knows what it has open. */
  private forget(deviceId: string): void {
    if (!this.devices.delete(deviceId)) return;
    this.isCounted = false;
    for (const [key, row] of this.rows) if (row.deviceId === deviceId) this.drop(key, this.gone);
  }

  forgetSilent(now: number): void {
    for (const [deviceId, { heardAt }] of this.devices) {
      if (now - heardAt > SILENT_AFTER_MS) this.forget(deviceId);
    }
  }

  /** All of it, for somebody who begins to watch. */
  snapshot(part: ConnectionsPart): ConnectionsBatch {
    return {
      snapshot: true,
      open: this.visible(this.rows.values(), part),
      closed: [],
      gone: [],
      ...this.count(part),
    };
  }

  /** What changed for this part since the last {@link settle}. Those that ended are in `open` once more, as they ended. */
  changes(part: ConnectionsPart): ConnectionsBatch {
    const open = [...this.changed].flatMap((key) => this.rows.get(key) ?? []);
    return {
      snapshot: false,
      open: this.visible([...open, ...this.closed.values()], part),
      closed: this.visible(this.closed.values(), part).map(connectionKey),
      gone: this.visible(this.gone.values(), part).map(connectionKey),
      ...this.count(part),
    };
  }

  settle(): void {
    this.changed.clear();
    this.closed.clear();
    this.gone.clear();
    this.isCounted = true;
  }

  private drop(key: string, into: Map<string, ConnectionView>): void {
    const row = this.rows.get(key);
    if (row === undefined) return;
    this.rows.delete(key);
    this.changed.delete(key);
    into.set(key, row);
  }

  private visible(rows: Iterable<ConnectionView>, part: ConnectionsPart): ConnectionView[] {
    const { team, device, agent, previews } = part;
    const seen: ConnectionView[] = [];
    for (const row of rows) {
      if (team !== undefined && row.teamId !== team) continue;
      if (device !== undefined && row.deviceId !== device) continue;
      if (agent !== undefined && row.agent?.id !== agent) continue;
      seen.push(previews ? row : { ...row, asked: null, answered: null });
    }
    return seen;
  }

  private count({ team, device }: ConnectionsPart): { total: number; devices: number } {
    let total = 0;
    let devices = 0;
    for (const [id, known] of this.devices) {
      if ((team !== undefined && known.teamId !== team) || (device !== undefined && id !== device)) continue;
      total += known.total;
      devices += 1;
    }
    return { total, devices };
  }
}
