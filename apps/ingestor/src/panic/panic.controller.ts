import { Controller, Post } from '@nestjs/common';
import { CommandView, TriggerPanic } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { PanicService } from './panic.service.ts';

@Controller('v1/devices/:id/panic')
export class PanicController {
  constructor(private readonly panic: PanicService) {}

  @Post()
  @Requires('agents:panic')
  @Answers(
    'Stops AI agents of a device after a sealed snapshot; the result is that of the command',
    CommandView,
    201,
  )
  trigger(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(TriggerPanic) body: TriggerPanic,
  ) {
    return this.panic.trigger(caller, id, body);
  }
}
