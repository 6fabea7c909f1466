import { Injectable, Logger } from '@nestjs/common';
import type { Hello } from '@raypher/shared';
import { SUSPECT_BOOTS } from '../enrollment/device-boots.repository.ts';
import { AlertsService } from '../ingest/alerts.service.ts';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { isVaultKeySigned } from '../secrets/vault-key.ts';
import { ContinuityRepository } from './continuity.repository.ts';
import { DeviceDirectory, type DeviceIdentity, notAdmitted } from './device-directory.service.ts';
import { StreamRegistry } from './stream-registry.ts';

/** Whether a device is still the machine that it was, and holds the vault that it had. */
@Injectable()
export class ContinuityService {
  private readonly logger = new Logger('Link');

  constructor(
    private readonly repository: ContinuityRepository,
    private readonly directory: DeviceDirectory,
    private readonly registry: StreamRegistry,
    private readonly alerts: AlertsService,
    private readonly redis: RedisConnections,
  ) {}

  /**
   * A machine boots into one boot after another; only a second machine brings an old one back. Then neither of the two
   * is connected any more, wherever it is.
   *
   * @throws RaypherError `device/paused`
   */
  async noteBoot(identity: DeviceIdentity, bootId: string): Promise<void> {
    if (bootId === '') return;
    const { organisationId, deviceId } = identity;
    const standing = await this.repository.noteBoot(organisationId, deviceId, bootId);
    const why = SUSPECT_BOOTS[standing];
    if (why === undefined) return;
    await this.repository.pauseClone(deviceId, why);
    await this.alerts.contestedIdentity(identity, { [standing]: bootId });
    this.directory.forget(deviceId);
    this.registry.find(deviceId)?.end(notAdmitted('paused'));
    // The outbox says it too; this is sooner.
    this.redis.publish(NUDGE_CHANNEL, { topic: 'standing', organisation: organisationId, device: deviceId });
    throw notAdmitted('paused');
  }

  /** Keeps the key that secrets for this device are encrypted to, if the device key has signed it. */
  async noteVaultKey(identity: DeviceIdentity, announced: Hello['vaultKey']): Promise<void> {
    if (announced === undefined || identity.vaultPublicKey?.equals(announced.publicKey)) return;
    const { organisationId, deviceId } = identity;
    const { publicKey: vaultPublicKey, signature: vaultKeySignature } = announced;
    const said = { organisationId, deviceId, vaultPublicKey, vaultKeySignature };
    if (!isVaultKeySigned(said, identity.publicKey)) {
      this.logger.warn(
        { device: identity.deviceId },
        'A vault key was not signed by its device; it is ignored',
      );
      return;
    }
    await this.repository.announceVaultKey(identity.deviceId, announced.publicKey, announced.signature);
    this.directory.forget(identity.deviceId);
  }
}
