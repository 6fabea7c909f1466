import { Controller, Post } from '@nestjs/common';
import { CommandView, CutConnection } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { CutConnectionsService } from './cut-connections.service.ts';

@Controller('v1/devices/:id/connections')
export class ConnectionsController {
  constructor(private readonly cuts: CutConnectionsService) {}

  @Post(':connection/cut')
  @Requires('connections:cut')
  @Answers('Ends one live connection of a device; the command says what came of it', CommandView, 201)
  cut(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @IdParameter('connection') connection: string,
    @JsonBody(CutConnection) body: CutConnection,
  ) {
    return this.cuts.cut(caller, id, connection, body.reason);
  }
}
