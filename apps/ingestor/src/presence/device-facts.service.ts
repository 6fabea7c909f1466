import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Hello, type Posture, PostureState } from '@raypher/shared';
import { plainText } from '../ingest/plain-text.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { type DeviceFacts, DeviceFactsRepository, type PostureJson } from './device-facts.repository.ts';

const SOON_MS = 500;
const LAST_SEEN_EVERY_MS = 15_000;
const MAX_POSTURE = 64;
/** Devices per statement. */
const SLICE = 1_000;

/** Facts go to the database soon after they changed; the time of the last sign of life every 15 s. */
@Injectable()
export class DeviceFactsService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('DeviceFacts');
  private changed = new Map<string, DeviceFacts>();
  private seen = new Map<string, Date>();
  /** Posture as it was written last, to write it only when it changes. */
  private readonly written = new Map<string, string>();
  private soon: NodeJS.Timeout | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly repository: DeviceFactsRepository) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(this.takeAll()), LAST_SEEN_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    clearTimeout(this.soon);
    await this.flush(this.takeAll());
  }

  hello(identity: DeviceIdentity, hello: Hello): void {
    const posture = hello.posture.slice(0, MAX_POSTURE).map(toJson);
    this.written.set(identity.deviceId, JSON.stringify(posture));
    this.changed.set(identity.deviceId, {
      deviceId: identity.deviceId,
      lastSeenAt: new Date(),
      hello: {
        hostname: plainText(hello.hostname, 255) || identity.hostname,
        os: plainText(hello.os, 100),
        kernel: plainText(hello.kernel, 200),
        arch: plainText(hello.arch, 32),
        agentVersion: plainText(hello.agentVersion, 64),
      },
      posture,
    });
    this.flushSoon();
  }

  /** @param posture empty when the heartbeat does not repeat it. */
  alive(identity: DeviceIdentity, posture: readonly Posture[]): void {
    this.seen.set(identity.deviceId, new Date());
    if (posture.length === 0) return;
    const items = posture.slice(0, MAX_POSTURE).map(toJson);
    const text = JSON.stringify(items);
    if (this.written.get(identity.deviceId) === text) return;
    this.written.set(identity.deviceId, text);
    const waiting = this.changed.get(identity.deviceId);
    this.changed.set(identity.deviceId, {
      deviceId: identity.deviceId,
      lastSeenAt: new Date(),
      hello: waiting?.hello ?? null,
      posture: items,
    });
    this.flushSoon();
  }

  disconnected(identity: DeviceIdentity): void {
    this.written.delete(identity.deviceId);
    this.seen.set(identity.deviceId, new Date());
  }

  private flushSoon(): void {
    this.soon ??= setTimeout(() => {
      this.soon = undefined;
      void this.flush(this.takeChanged());
    }, SOON_MS);
  }

  private takeChanged(): DeviceFacts[] {
    const facts = [...this.changed.values()];
    this.changed = new Map();
    return facts;
  }

  private takeAll(): DeviceFacts[] {
    const facts = this.takeChanged();
    const known = new Set(facts.map((fact) => fact.deviceId));
    for (const [deviceId, lastSeenAt] of this.seen) {
      if (!known.has(deviceId)) facts.push({ deviceId, lastSeenAt, hello: null, posture: null });
    }
    this.seen = new Map();
    return facts;
  }

  private async flush(all: readonly DeviceFacts[]): Promise<void> {
    for (let start = 0; start < all.length; start += SLICE) {
      const slice = all.slice(start, start + SLICE);
      try {
        await this.repository.update(slice);
      } catch (error) {
        this.logger.warn(error, 'Facts of devices could not be written; trying again');
        // What came meanwhile is newer and stays.
        for (const fact of slice) {
          if (!this.changed.has(fact.deviceId)) this.changed.set(fact.deviceId, fact);
        }
      }
    }
  }
}

function toJson(posture: Posture): PostureJson {
  const provenAt = Number(posture.provenAtMs);
  return {
    capability: plainText(posture.capability, 64),
    state: stateOf(posture.state),
    reason: plainText(posture.reason, 500),
    provenAt: provenAt > 0 && provenAt <= Date.now() + 60_000 ? new Date(provenAt).toISOString() : null,
  };
}

/** What is not said to be enforced is not enforced. */
function stateOf(state: PostureState): PostureJson['state'] {
  switch (state) {
    case PostureState.POSTURE_STATE_ENFORCED:
      return 'enforced';
    case PostureState.POSTURE_STATE_OBSERVING:
      return 'observing';
    default:
      return 'unavailable';
  }
}
