import { Controller, Get, Post } from '@nestjs/common';
import {
  AcknowledgedIncidents,
  AcknowledgeIncidents,
  ErasedSamples,
  EraseSamples,
  Incident,
  IncidentDetail,
  IncidentFilter,
  IncidentQuery,
  IncidentTrend,
  pageOf,
  UpdateIncident,
} from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { IncidentsService } from './incidents.service.ts';

@Controller('v1/incidents')
export class IncidentsController {
  constructor(private readonly incidents: IncidentsService) {}

  @Get()
  @Requires('incidents:read')
  @Answers('Sensitive data in messages of AI agents, newest first', pageOf(Incident))
  list(@Caller() caller: Principal, @Search(IncidentQuery) query: IncidentQuery) {
    return this.incidents.list(caller.organisation.id, query);
  }

  @Get('trend')
  @Requires('incidents:read')
  @Answers('How many incidents began on each day', IncidentTrend)
  trend(@Caller() caller: Principal, @Search(IncidentFilter) filter: IncidentFilter) {
    return this.incidents.trend(caller.organisation.id, filter);
  }

  @Post('acknowledge')
  @Requires('incidents:manage')
  @Answers('Says that somebody looks at them', AcknowledgedIncidents)
  acknowledge(@Caller() caller: Principal, @JsonBody(AcknowledgeIncidents) body: AcknowledgeIncidents) {
    return this.incidents.acknowledge(caller, body);
  }

  @Get(':id')
  @Requires('incidents:read')
  @Answers('One incident with its occurrences and what is left of its samples', IncidentDetail)
  get(@Caller() caller: Principal, @IdParameter('id') id: string) {
    return this.incidents.read(caller, id);
  }

  @Post(':id/status')
  @Requires('incidents:manage')
  @Answers('Decides about an incident', Incident)
  update(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(UpdateIncident) body: UpdateIncident,
  ) {
    return this.incidents.update(caller, id, body);
  }

  @Post(':id/erase')
  @Requires('incidents:manage')
  @Answers('Erases its masked samples before their time', ErasedSamples)
  erase(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(EraseSamples) body: EraseSamples,
  ) {
    return this.incidents.erase(caller, id, body);
  }
}
