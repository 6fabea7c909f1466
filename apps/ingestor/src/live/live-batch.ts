import type { EventView } from '@raypher/shared/rest';
import type { LiveMessage } from '../redis/channels.ts';

/** Rows of events that one batch shows; the rest of a burst is counted. */
export const MOST_ROWS = 200;
/** Devices that one batch names. */
const MOST_DEVICES = 1_000;

interface PresenceChange {
  deviceId: string;
  connected: boolean;
  at: string;
}

/** What happened in one organisation since the last flush; bounded, whatever comes in. */
export class LiveBatch {
  readonly events: EventView[] = [];
  held = 0;
  readonly presence = new Map<string, PresenceChange>();
  readonly rolloutIds = new Set<string>();
  readonly inventory = new Set<string>();
  readonly alertIds = new Set<string>();
  readonly approvalIds = new Set<string>();
  commands = false;
  incidents = false;
  spend = false;

  add(message: LiveMessage): void {
    switch (message.kind) {
      case 'events': {
        this.events.push(...message.items);
        const surplus = Math.max(0, this.events.length - MOST_ROWS);
        // The newest rows are the ones somebody watching wants.
        this.events.splice(0, surplus);
        this.held += message.held + surplus;
        break;
      }
      case 'presence':
        for (const change of message.changes) {
          if (this.presence.size < MOST_DEVICES || this.presence.has(change.deviceId)) {
            this.presence.set(change.deviceId, change);
          }
        }
        break;
      case 'acks':
        for (const id of message.rolloutIds) this.rolloutIds.add(id);
        break;
      case 'inventory':
        for (const id of message.deviceIds) if (this.inventory.size < MOST_DEVICES) this.inventory.add(id);
        break;
      case 'alert':
        this.alertIds.add(message.alertId);
        break;
      case 'incidents':
        this.incidents = true;
        break;
      case 'approval':
        for (const id of [...message.asked, ...message.ended]) {
          if (this.approvalIds.size < MOST_ROWS) this.approvalIds.add(id);
        }
        break;
      case 'connections':
        // Views of their own.
        break;
      case 'command':
        this.commands = true;
        break;
      case 'spend':
        this.spend = true;
        break;
    }
  }
}
