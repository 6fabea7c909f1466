import { Controller, Get, Post, Put } from '@nestjs/common';
import { LegalHoldReason, RecordRetention, UpdateRecordRetention } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { ArchiveSettings } from './archive-settings.service.ts';

@Controller('v1/settings')
export class ArchiveSettingsController {
  constructor(private readonly settings: ArchiveSettings) {}

  @Get('record-retention')
  @Requires('settings:read')
  @Answers('How long the record is kept where, and legal holds', RecordRetention)
  read(@Caller() caller: Principal) {
    return this.settings.read(caller.organisation.id);
  }

  @Put('record-retention')
  @Requires('settings:manage')
  @Answers(
    'Decides how long the record is kept; what is shorter than before counts seven days later',
    RecordRetention,
  )
  update(@Caller() caller: Principal, @JsonBody(UpdateRecordRetention) body: UpdateRecordRetention) {
    return this.settings.update(caller, body);
  }

  @Post('legal-holds')
  @Requires('settings:manage')
  @Answers('Places a legal hold: nothing of the organisation is erased', RecordRetention, 201)
  place(@Caller() caller: Principal, @JsonBody(LegalHoldReason) body: LegalHoldReason) {
    return this.settings.place(caller, body);
  }

  @Post('legal-holds/:id/lift')
  @Requires('settings:manage')
  @Answers('Lifts a legal hold; it counts for seven more days', RecordRetention)
  lift(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(LegalHoldReason) body: LegalHoldReason,
  ) {
    return this.settings.lift(caller, id, body);
  }
}
