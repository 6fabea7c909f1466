import { Controller, Get, Post } from '@nestjs/common';
import { CommandView, PageQuery, pageOf, SendCommand } from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { CommandsService } from './commands.service.ts';

@Controller('v1/devices/:id/commands')
export class CommandsController {
  constructor(private readonly commands: CommandsService) {}

  @Get()
  @Requires('devices:read')
  @Answers('Commands to a device, newest first', pageOf(CommandView))
  list(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @Search(PageQuery) query: z.infer<typeof PageQuery>,
  ) {
    return this.commands.list(caller.organisation.id, id, query);
  }

  @Post()
  @Requires('commands:send')
  @Answers('Signs a command and sends it to a device', CommandView, 201)
  send(@Caller() caller: Principal, @IdParameter('id') id: string, @JsonBody(SendCommand) body: SendCommand) {
    return this.commands.send(caller, id, body);
  }
}
