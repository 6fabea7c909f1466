import { Global, Module } from '@nestjs/common';
import { DeviceCertificatesService } from './device-certificates.service.ts';
import { EnrolmentController } from './enrolment.controller.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import { EnrolmentService } from './enrolment.service.ts';
import { EnrolmentTokensRepository } from './enrolment-tokens.repository.ts';
import { RenewalService } from './renewal.service.ts';
import { TokenService } from './token.service.ts';

@Global()
@Module({
  controllers: [EnrolmentController],
  providers: [
    DeviceCertificatesService,
    EnrolmentRepository,
    EnrolmentService,
    EnrolmentTokensRepository,
    RenewalService,
    TokenService,
  ],
  exports: [TokenService],
})
export class EnrolmentModule {}
