import type { PeerCertificate } from 'node:tls';
import { Injectable } from '@nestjs/common';
import type { Alert } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { DeviceHistoryRepository } from './device-history.repository.ts';
import { DevicePeerService, pausedDevice } from './device-peer.service.ts';
import { DeviceStandingService } from './device-standing.service.ts';

const REASON = 'The device gave up its identity.';

/** A device that is enrolled anew, or that Raypher is removed from, says so itself. */
@Injectable()
export class LeavingService {
  constructor(
    private readonly peers: DevicePeerService,
    private readonly history: DeviceHistoryRepository,
    private readonly standing: DeviceStandingService,
    private readonly audit: AuditRepository,
  ) {}

  /**
   * The certificate must still be good: for the next one a device with a TPM has to quote its state, and nothing here asks
   * for that. A pending device may leave too. A paused one may not: otherwise a clone would shake off the suspicion by
   * leaving and enrolling again.
   *
   * @throws RaypherError `device/*`
   */
  async leave(peer: PeerCertificate): Promise<void> {
    const device = await this.peers.identify(peer, 'as-device');
    const closed: Alert[] = [];
    await this.peers.within(device, async (tx, { id, organisationId, hostname, status }) => {
      if (status === 'paused') throw pausedDevice();
      const revokedAt = new Date();
      await tx.device.updateMany({
        where: { id },
        data: { status: 'revoked', revokedAt, revokeReason: REASON },
      });
      await tx.deviceCertificate.updateMany({
        where: { deviceId: id, revokedAt: null },
        data: { revokedAt },
      });
      await this.history.add(tx, organisationId, id, { kind: 'left', detail: REASON, by: hostname });
      await this.standing.changed(tx, organisationId, id);
      closed.push(...(await this.standing.settle(tx, id, hostname)));
      await this.audit.record(
        tx,
        organisationId,
        { kind: 'system', id, name: `device ${hostname}` },
        {
          action: 'device.leave',
          target: hostname,
          reason: REASON,
          before: { id, status },
          after: { id, status: 'revoked' },
        },
      );
    });
    this.standing.announce(device.organisationId, closed);
  }
}
