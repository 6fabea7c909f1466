import { Global, Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { IdentitySettingsModule } from '../identity-settings/identity-settings.module.ts';
import { ChallengesRepository } from './challenges.repository.ts';
import { ChallengesService } from './challenges.service.ts';
import { DeviceBootsRepository } from './device-boots.repository.ts';
import { DeviceCertificatesService } from './device-certificates.service.ts';
import { DeviceHistoryRepository } from './device-history.repository.ts';
import { DevicePeerService } from './device-peer.service.ts';
import { DeviceSightingsService } from './device-sightings.service.ts';
import { DeviceStandingService } from './device-standing.service.ts';
import { EnrolmentController } from './enrolment.controller.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import { EnrolmentService } from './enrolment.service.ts';
import { EnrolmentTokensRepository } from './enrolment-tokens.repository.ts';
import { IdentityClassService } from './identity-class.service.ts';
import { LeavingService } from './leaving.service.ts';
import { NewDeviceService } from './new-device.service.ts';
import { RenewalService } from './renewal.service.ts';
import { TokenService } from './token.service.ts';

@Global()
@Module({
  imports: [AlertsModule, IdentitySettingsModule],
  controllers: [EnrolmentController],
  providers: [
    ChallengesRepository,
    ChallengesService,
    DeviceBootsRepository,
    DeviceCertificatesService,
    DeviceHistoryRepository,
    DevicePeerService,
    DeviceSightingsService,
    DeviceStandingService,
    EnrolmentRepository,
    EnrolmentService,
    EnrolmentTokensRepository,
    IdentityClassService,
    LeavingService,
    NewDeviceService,
    RenewalService,
    TokenService,
  ],
  exports: [
    ChallengesRepository,
    DeviceBootsRepository,
    DeviceHistoryRepository,
    DeviceStandingService,
    TokenService,
  ],
})
export class EnrolmentModule {}
