import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { MetricsService } from '../metrics/metrics.service.ts';
import type { DeviceIdentity } from './device-directory.service.ts';
import type { DeviceStream } from './device-stream.ts';

/** The open streams of this process: one per device. */
@Injectable()
export class StreamRegistry {
  private readonly byDevice = new Map<string, DeviceStream>();
  private readonly byOrganisation = new Map<string, Set<DeviceStream>>();

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
  add(stream: DeviceStream, identity: DeviceIdentity): void {
    const older = this.byDevice.get(identity.deviceId);
    if (older !== undefined) {
      older.end(replaced());
      this.remove(older);
    }
    stream.identity = identity;
    this.byDevice.set(identity.deviceId, stream);
    const organisation = this.byOrganisation.get(identity.organisationId);
    if (organisation === undefined) this.byOrganisation.set(identity.organisationId, new Set([stream]));
    else organisation.add(stream);
    this.metrics.streams.set(this.byDevice.size);
    this.metrics.streamsOpened.inc();
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
    this.metrics.streamsClosed.inc({ code: stream.endedWith ?? 'left' });
    return true;
  }
}

export function replaced(): RaypherError {
  return new RaypherError('device/replaced', 'A newer stream of this device has replaced this one.');
}
