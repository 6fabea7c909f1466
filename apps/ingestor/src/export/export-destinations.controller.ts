import { Controller, Delete, Get, Patch, Post } from '@nestjs/common';
import {
  ChangedExportDestination,
  CreateExportDestination,
  ExportDestination,
  ExportDestinations,
  ExportTestResult,
  RewindExport,
  UpdateExportDestination,
} from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { ExportDestinationsService } from './export-destinations.service.ts';

@Controller('v1/export/destinations')
export class ExportDestinationsController {
  constructor(private readonly destinations: ExportDestinationsService) {}

  @Get()
  @Requires('settings:read')
  @Answers('Where the log is sent, and how far each is; secrets stay hidden', ExportDestinations)
  list(@Caller() caller: Principal) {
    return this.destinations.list(caller.organisation.id);
  }

  @Post()
  @Requires('settings:manage')
  @Answers('Adds a destination; the signing key of a webhook is shown once', ChangedExportDestination, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateExportDestination) body: CreateExportDestination) {
    return this.destinations.create(caller, body);
  }

  @Patch(':id')
  @Requires('settings:manage')
  @Answers('Changes a destination, or switches it on or off', ChangedExportDestination)
  update(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(UpdateExportDestination) body: UpdateExportDestination,
  ) {
    return this.destinations.update(caller, id, body);
  }

  @Delete(':id')
  @Requires('settings:manage')
  @Answers('Takes a destination away, with how far it was', null, 204)
  async remove(@Caller() caller: Principal, @IdParameter('id') id: string): Promise<void> {
    await this.destinations.remove(caller, id);
  }

  @Post(':id/test')
  @Requires('settings:manage')
  @Answers('Sends one event that says that it is a test', ExportTestResult)
  test(@Caller() caller: Principal, @IdParameter('id') id: string) {
    return this.destinations.test(caller, id);
  }

  @Post(':id/rewind')
  @Requires('settings:manage')
  @Answers(
    'Goes on from another place of the log: backwards sends again, forwards leaves out',
    ExportDestination,
  )
  rewind(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(RewindExport) body: RewindExport,
  ) {
    return this.destinations.rewind(caller, id, body);
  }
}
