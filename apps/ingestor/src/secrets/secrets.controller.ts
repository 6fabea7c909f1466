import { Controller, Post } from '@nestjs/common';
import { CommandView, PushSecret, RevokeSecret } from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { SecretsService } from './secrets.service.ts';

@Controller('v1/devices/:id/secrets')
export class SecretsController {
  constructor(private readonly secrets: SecretsService) {}

  @Post()
  @Requires('secrets:push')
  @Answers('Sends a device a secret that only the device can open', CommandView, 201)
  push(@Caller() caller: Principal, @IdParameter('id') id: string, @JsonBody(PushSecret) body: PushSecret) {
    return this.secrets.push(caller, id, body);
  }

  @Post('revoke')
  @Requires('secrets:push')
  @Answers('Has a device forget a secret', CommandView, 201)
  revoke(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(RevokeSecret) body: RevokeSecret,
  ) {
    return this.secrets.revoke(caller, id, body);
  }
}
