import { Injectable } from '@nestjs/common';
import type { DeviceStream } from '../link/device-stream.ts';
import { StreamRegistry } from '../link/stream-registry.ts';
import type { Nudge } from '../redis/channels.ts';

type WatchNudge = Extract<Nudge, { topic: 'connections' }>;

interface Watch extends Pick<WatchNudge, 'team' | 'device' | 'until'> {
  everyMs: number;
}

/** No lease is longer, whatever a nudge says. */
const MAX_WATCH_MS = 60_000;
/** Messages about connections that this process wants to get per second, from all devices of one watch. */
const MOST_PER_SECOND = 2_000;
/** What devices are asked for, milliseconds between two messages; few steps, so that one more device changes nothing. */
const PACES = [250, 500, 1_000, 2_500, 5_000, 10_000] as const;
const SLOWEST = 30_000;

/**
 * Who watches live connections, as far as devices of this process are concerned. Kept in memory alone: whoever watches says
 * so again every few seconds, to all processes of the link.
 */
@Injectable()
export class ConnectionWatches {
  private readonly watches = new Map<string, Map<string, Watch>>();

  constructor(private readonly registry: StreamRegistry) {}

  watch(nudge: WatchNudge): void {
    this.forgetPast();
    const { organisation, team, device } = nudge;
    const watch: Watch = {
      team,
      device,
      until: Math.min(nudge.until, Date.now() + MAX_WATCH_MS),
      everyMs: SLOWEST,
    };
    const streams = this.streamsOf(organisation, watch);
    watch.everyMs = paceFor(streams.length);
    const known = this.watches.get(organisation) ?? new Map<string, Watch>();
    this.watches.set(organisation, known);
    known.set(JSON.stringify([team, device]), watch);
    for (const stream of streams) follow(stream, known.values(), nudge.fresh);
  }

  /** A stream that opened while somebody watches. */
  welcome(stream: DeviceStream): void {
    const { identity } = stream;
    if (identity === undefined) return;
    this.forgetPast();
    follow(stream, this.watches.get(identity.organisationId)?.values() ?? [], false);
  }

  private streamsOf(organisation: string, watch: Watch): DeviceStream[] {
    if (watch.device !== null) {
      const stream = this.registry.find(watch.device);
      return stream?.identity?.organisationId === organisation && concerns(watch, stream) ? [stream] : [];
    }
    return [...this.registry.inOrganisation(organisation)].filter((stream) => concerns(watch, stream));
  }

  private forgetPast(): void {
    const now = Date.now();
    for (const [organisation, watches] of this.watches) {
      for (const [name, { until }] of watches) if (until <= now) watches.delete(name);
      if (watches.size === 0) this.watches.delete(organisation);
    }
  }
}

/** As closely as whoever looks most closely. */
function follow(stream: DeviceStream, watches: Iterable<Watch>, fresh: boolean): void {
  const mine = [...watches].filter((watch) => concerns(watch, stream));
  if (mine.length === 0) return;
  stream.connectionsUntil = Math.max(...mine.map(({ until }) => until));
  stream.watchConnections(Math.min(...mine.map(({ everyMs }) => everyMs)), fresh);
}

function concerns({ team, device }: Watch, { identity }: DeviceStream): boolean {
  if (identity === undefined) return false;
  return (team === null || identity.teamId === team) && (device === null || identity.deviceId === device);
}

/** So that all of them together do not say more than this process wants to hear. */
function paceFor(devices: number): number {
  const least = (devices / MOST_PER_SECOND) * 1_000;
  return PACES.find((pace) => pace >= least) ?? SLOWEST;
}
