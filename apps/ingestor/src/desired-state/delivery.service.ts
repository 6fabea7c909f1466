import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type Ack, type Applied, type AppliedSlot, Phase, StateKind as WireKind } from '@raypher/shared';
import { plainText } from '../ingest/plain-text.ts';
import type { DeviceStream, StateKind } from '../link/device-stream.ts';
import { StreamRegistry } from '../link/stream-registry.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { currentSpan } from '../tracing/current-span.ts';
import type { TracedSpan } from '../tracing/traced-span.ts';
import { AckCoalescer } from './ack-coalescer.service.ts';
import type { AckPhase } from './acks.repository.ts';
import { BundleCache, type DesiredBundles, type ReadyBundle } from './bundle-cache.service.ts';

const KINDS = ['policy', 'freeze'] as const satisfies StateKind[];
/** Streams per turn of the event loop in a broadcast. */
const SLICE = 64;
/** How long a device may take to answer before a sweep sends the same again, milliseconds. */
const ANSWER_MS = 10_000;
/** A device that refused a bundle is asked again this much later: the reason may have gone. */
const REFUSED_MS = 5 * 60_000;

/** Brings every device to the newest state of its organisation and follows how far it is. */
@Injectable()
export class DeliveryService {
  /** When a revision was first heard of, for the histogram: organisation/kind → [revision, milliseconds]. */
  private readonly heard = new Map<string, { revision: bigint; at: number; span: TracedSpan }>();

  constructor(
    private readonly bundles: BundleCache,
    private readonly registry: StreamRegistry,
    private readonly acks: AckCoalescer,
    private readonly metrics: MetricsService,
  ) {}

  /** After Hello: what the device runs already is noted, what it lacks is sent. */
  async welcome(stream: DeviceStream, organisationId: string, applied: Applied | undefined): Promise<void> {
    const desired = await this.bundles.get(organisationId);
    if (!stream.isOpen) return;
    this.reported(stream, applied);
    this.bringUp(stream, desired);
  }

  /** A nudge came: a revision is new. */
  async announce(organisationId: string, kind: StateKind, revision: bigint): Promise<void> {
    if (!this.hasStreams(organisationId)) return;
    const name = `${organisationId}/${kind}`;
    const known = this.heard.get(name);
    if (known === undefined || known.revision < revision) {
      // Ends with the first device that runs it.
      const span = currentSpan().child('link.deliver', { 'raypher.topic': kind });
      this.heard.set(name, { revision, at: performance.now(), span });
    }
    await this.broadcast(organisationId, await this.bundles.atLeast(organisationId, kind, revision));
  }

  /** Sends what is missing to every stream of an organisation, giving way to others between slices. */
  async broadcast(organisationId: string, desired: DesiredBundles): Promise<void> {
    let count = 0;
    for (const stream of [...this.registry.inOrganisation(organisationId)]) {
      if (stream.isOpen) this.bringUp(stream, desired);
      count += 1;
      if (count % SLICE === 0) await setImmediate();
    }
  }

  /** What the enforcers say they run: the truth that a missed acknowledgement is repaired from. */
  reported(stream: DeviceStream, applied: Applied | undefined): void {
    if (applied === undefined) return;
    for (const kind of KINDS) {
      const report: AppliedSlot | undefined = applied[kind];
      if (report === undefined) continue;
      const slot = stream.slots[kind];
      const digest = report.digest.toString('hex');
      if (slot.applied === digest) continue;
      slot.applied = digest;
      slot.appliedRevision = report.revision;
      if (this.isDesired(stream, kind, report.revision, digest)) {
        this.note(stream, kind, report.revision, 'applied', '', '', 0);
      }
    }
  }

  acknowledged(stream: DeviceStream, ack: Ack): void {
    const kind = kindOf(ack.kind);
    const phase = phaseOf(ack.phase);
    if (kind === undefined || phase === undefined) return;
    const digest = ack.digest.toString('hex');
    // Only an answer to what we sent counts: nobody is "applied" with another digest.
    if (!this.isDesired(stream, kind, ack.revision, digest)) return;
    const slot = stream.slots[kind];
    if (phase === 'rejected') slot.rejected = digest;
    if (phase === 'applied') {
      slot.applied = digest;
      slot.appliedRevision = ack.revision;
      slot.rejected = '';
      this.observe(stream, kind, ack.revision);
    }
    this.note(
      stream,
      kind,
      ack.revision,
      phase,
      plainText(ack.code, 64),
      plainText(ack.detail, 500),
      ack.affected,
    );
  }

  private bringUp(stream: DeviceStream, desired: DesiredBundles): void {
    const { identity } = stream;
    if (identity === undefined) return;
    for (const kind of KINDS) {
      const bundle = desired.for(kind, identity);
      if (bundle !== undefined && this.isMissing(stream, bundle)) {
        stream.sendState(kind, bundle.slot, bundle.digest, bundle.frame);
      }
    }
  }

  private isMissing(stream: DeviceStream, bundle: ReadyBundle): boolean {
    const slot = stream.slots[bundle.kind];
    if (slot.applied === bundle.digest) return false;
    if (slot.sent !== bundle.digest) return true;
    const patience = slot.rejected === bundle.digest ? REFUSED_MS : ANSWER_MS;
    return performance.now() - slot.sentAt > patience;
  }

  private isDesired(stream: DeviceStream, kind: StateKind, revision: bigint, digest: string): boolean {
    const { identity } = stream;
    if (identity === undefined) return false;
    const bundle = this.bundles.peek(identity.organisationId)?.for(kind, identity);
    return bundle !== undefined && bundle.revision === revision && bundle.digest === digest;
  }

  private note(
    stream: DeviceStream,
    kind: StateKind,
    revision: bigint,
    phase: AckPhase,
    code: string,
    detail: string,
    affected: number,
  ): void {
    const { identity } = stream;
    if (identity === undefined) return;
    const { organisationId, deviceId } = identity;
    this.acks.add({
      organisationId,
      deviceId,
      kind,
      revision,
      phase,
      code,
      detail,
      affected: Math.min(affected, 2 ** 31 - 1),
    });
  }

  private observe(stream: DeviceStream, kind: StateKind, revision: bigint): void {
    const heard = this.heard.get(`${stream.identity?.organisationId}/${kind}`);
    if (heard?.revision !== revision) return;
    heard.span.end();
    this.metrics.applySeconds.observe({ kind }, (performance.now() - heard.at) / 1000);
  }

  private hasStreams(organisationId: string): boolean {
    for (const _ of this.registry.inOrganisation(organisationId)) return true;
    return false;
  }
}

function kindOf(kind: WireKind): StateKind | undefined {
  switch (kind) {
    case WireKind.STATE_KIND_POLICY:
      return 'policy';
    case WireKind.STATE_KIND_FREEZE:
      return 'freeze';
    default:
      return undefined;
  }
}

function phaseOf(phase: Phase): AckPhase | undefined {
  switch (phase) {
    case Phase.PHASE_RECEIVED:
      return 'received';
    case Phase.PHASE_VERIFIED:
      return 'verified';
    case Phase.PHASE_APPLIED:
      return 'applied';
    case Phase.PHASE_REJECTED:
      return 'rejected';
    default:
      return undefined;
  }
}
