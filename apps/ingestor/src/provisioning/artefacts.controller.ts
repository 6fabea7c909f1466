import { Controller, Header, Post } from '@nestjs/common';
import { Artefact, CreateArtefact } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { ArtefactsService } from './artefacts.service.ts';

@Controller('v1/enrolment-tokens/artefacts')
export class ArtefactsController {
  constructor(private readonly artefacts: ArtefactsService) {}

  @Post()
  @Requires('enrolment-tokens:manage')
  @Header('Cache-Control', 'no-store')
  @Answers('Makes a file that enrols devices with a token; it is kept nowhere', Artefact, 201)
  create(@Caller() caller: Principal, @JsonBody(CreateArtefact) body: CreateArtefact) {
    return this.artefacts.create(caller, body);
  }
}
