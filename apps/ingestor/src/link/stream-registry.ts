import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { LRUCache } from 'lru-cache';
import { MetricsService } from '../metrics/metrics.service.ts';
import type { DeviceIdentity } from './device-directory.service.ts';
import type { DeviceStream } from './device-stream.ts';

export interface Registration {
  /** The boot that this stream replaced had itself been replaced before: two machines share one identity. */
  isContested: boolean;
}

/** The open streams of this process: one per device. */
@Injectable()
export class StreamRegistry {
  private readonly byDevice = new Map<string, DeviceStream>();
  private readonly byOrganisation = new Map<string, Set<DeviceStream>>();
  /** Per device: boots whose stream was replaced by that of another boot. */
  private readonly retiredBoots = new LRUCache<string, Set<string>>({ max: 20_000 });

  constructor(private readonly metrics: MetricsService) {}

  get size(): number {
    return this.byDevice.size;
  }

  find(deviceId: string): DeviceStream | undefined {
    return this.byDevice.get(deviceId);
  }

  organisations(): IterableIterator<string> {
    return this.byOrganisation.keys();
  }

  inOrganisation(organisationId: string): Iterable<DeviceStream> {
    return this.byOrganisation.get(organisationId) ?? [];
  }

  all(): IterableIterator<DeviceStream> {
    return this.byDevice.values();
  }

  /** The newest stream of a device is the one that counts; an older one is told so and ended. */
  add(stream: DeviceStream, identity: DeviceIdentity): Registration {
    const older = this.byDevice.get(identity.deviceId);
    let isContested = false;
    if (older !== undefined) {
      isContested = this.isContested(identity.deviceId, older.bootId, stream.bootId);
      this.remove(older);
      older.end(new RaypherError('device/replaced', 'A newer stream of this device has replaced this one.'));
    }
    stream.identity = identity;
    this.byDevice.set(identity.deviceId, stream);
    const organisation = this.byOrganisation.get(identity.organisationId);
    if (organisation === undefined) this.byOrganisation.set(identity.organisationId, new Set([stream]));
    else organisation.add(stream);
    this.metrics.streams.set(this.byDevice.size);
    return { isContested };
  }

  /** @returns false when the stream was not (or no longer) the registered one of its device. */
  remove(stream: DeviceStream): boolean {
    const { identity } = stream;
    if (identity === undefined || this.byDevice.get(identity.deviceId) !== stream) return false;
    this.byDevice.delete(identity.deviceId);
    const organisation = this.byOrganisation.get(identity.organisationId);
    organisation?.delete(stream);
    if (organisation?.size === 0) this.byOrganisation.delete(identity.organisationId);
    this.metrics.streams.set(this.byDevice.size);
    return true;
  }

  /** A machine boots into one boot after another; only a second machine brings an old one back. */
  private isContested(deviceId: string, olderBoot: string, newerBoot: string): boolean {
    if (olderBoot === newerBoot) return false;
    const retired = this.retiredBoots.get(deviceId) ?? new Set<string>();
    retired.add(olderBoot);
    if (retired.size > 16) retired.delete(retired.values().next().value ?? '');
    this.retiredBoots.set(deviceId, retired);
    return retired.has(newerBoot);
  }
}
