import { Injectable, Logger } from '@nestjs/common';
import { type ChainHead, GENESIS_HASH } from '@raypher/ledger';
import { type Hello, RaypherError } from '@raypher/shared';
import { ConnectionWatches } from '../connections/connection-watches.service.ts';
import { CommandsService } from '../desired-state/commands.service.ts';
import { DeliveryService } from '../desired-state/delivery.service.ts';
import { AlertsService } from '../ingest/alerts.service.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { LedgerRepository } from '../ingest/ledger.repository.ts';
import { plainText } from '../ingest/plain-text.ts';
import { DeviceFactsService } from '../presence/device-facts.service.ts';
import { PresenceService } from '../presence/presence.service.ts';
import { ContinuityService } from './continuity.service.ts';
import { DeviceDirectory, type DeviceIdentity } from './device-directory.service.ts';
import type { DeviceStream } from './device-stream.ts';
import type { Peer } from './link-listener.ts';
import { NewestStream } from './newest-stream.service.ts';
import { StreamRegistry } from './stream-registry.ts';

const PROTOCOL_VERSION = 1;
const CALM_PACE_MS = 30_000;

/** From Hello to an open stream. */
@Injectable()
export class OpeningService {
  private readonly logger = new Logger('Link');

  constructor(
    private readonly directory: DeviceDirectory,
    private readonly continuity: ContinuityService,
    private readonly registry: StreamRegistry,
    private readonly ledger: LedgerRepository,
    private readonly ingest: IngestService,
    private readonly alerts: AlertsService,
    private readonly presence: PresenceService,
    private readonly facts: DeviceFactsService,
    private readonly delivery: DeliveryService,
    private readonly commands: CommandsService,
    private readonly watches: ConnectionWatches,
    private readonly newest: NewestStream,
  ) {}

  /** @throws RaypherError saying why this device is not let in. */
  async open(stream: DeviceStream, peer: Peer, hello: Hello): Promise<void> {
    if (hello.protocolVersion !== PROTOCOL_VERSION) {
      throw new RaypherError('link/version', `This control plane speaks protocol ${PROTOCOL_VERSION}.`, {
        hint: 'Update whichever of the two is older.',
        details: { agent: hello.protocolVersion, controlPlane: PROTOCOL_VERSION },
      });
    }
    const identity = await this.directory.identify(peer);
    if (hello.deviceId !== identity.deviceId) {
      throw new RaypherError('device/identity-mismatch', 'Hello names another device than the certificate.');
    }
    // A Hello that waited while its device went away must not be taken for a boot that came back.
    if (stream.ended) return;
    await this.continuity.noteBoot(identity, plainText(hello.bootId, 64));
    const head = await this.ledger.head(identity.deviceId);
    if (head === undefined) {
      throw new RaypherError('device/certificate-unknown', 'This device has no ledger here.');
    }
    await this.compareLedgers(identity, head, hello);
    await this.continuity.noteVaultKey(identity, hello.vaultKey);
    // The device may have hung up, or the process begun to stop, while we asked the database.
    if (stream.ended) return;
    await this.newest.number(stream);
    if (stream.ended) return;
    // Paused or revoked while we asked the database: nobody could end a stream that was not there yet.
    const current = this.directory.isCurrent(identity) ? identity : await this.directory.identify(peer);
    if (stream.ended) return;
    this.register(stream, current, hello);
    this.ingest.welcome(stream, head);
    stream.pace(CALM_PACE_MS);
    this.watches.welcome(stream);
    await this.delivery.welcome(stream, identity.organisationId, hello.applied);
    await this.commands.deliver(identity.organisationId, [identity.deviceId]);
  }

  private register(stream: DeviceStream, identity: DeviceIdentity, hello: Hello): void {
    stream.bootId = plainText(hello.bootId, 64);
    stream.sessionId = plainText(hello.sessionId, 64);
    identity.hostname = plainText(hello.hostname, 255) || identity.hostname;
    this.registry.add(stream, identity);
    this.newest.announce(identity, stream);
    this.presence.connected(identity, stream.since, stream.line.transport, hello.queueDepth);
    this.facts.hello(identity, hello);
  }

  /**
   * A device that has forgotten what it told us was rolled back, restored from an image, or tampered with: an
   * alert, and no further. One that has nothing at all lost its store (damage is set aside, never repaired):
   * the same alert, but it is let in and goes on from our head, so that its record does not end here.
   */
  private async compareLedgers(identity: DeviceIdentity, stored: ChainHead, hello: Hello): Promise<void> {
    const seq = hello.ledgerHead?.seq ?? 0n;
    const hash = seq === 0n ? GENESIS_HASH : (hello.ledgerHead?.hash.toString('hex') ?? '');
    if (seq > BigInt(stored.seq)) return;
    if (seq === BigInt(stored.seq) && hash === stored.hash) return;
    const error =
      seq < BigInt(stored.seq)
        ? new RaypherError(
            'ledger/rolled-back',
            'The ledger of the device ends before what it has told us already.',
            {
              hint: 'Find out what happened on the device, then revoke and enrol it again.',
              details: { stored: stored.seq, device: Number(seq) },
            },
          )
        : new RaypherError(
            'ledger/chain-broken',
            'The ledger of the device ends in another entry than ours.',
            {
              hint: 'Find out what happened on the device, then revoke and enrol it again.',
              details: { seq: stored.seq, stored: stored.hash, device: plainText(hash, 64) },
            },
          );
    this.logger.warn({ device: identity.deviceId, details: error.details }, error.message);
    await this.alerts.ledgerFault(identity, error);
    if (seq > 0n) throw error;
  }
}
