import { Controller, Get } from '@nestjs/common';
import { Me } from '@raypher/shared/rest';
import { Caller, SignedIn } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers } from '../openapi/contract.ts';

@Controller('v1/me')
export class MeController {
  @Get()
  @SignedIn()
  @Answers('Who is asking, and what they may do', Me)
  me(@Caller() caller: Principal): Me {
    const { kind, id, name, email, organisation, role, teamId } = caller;
    return { kind, id, name, email, organisation, role, teamId, permissions: [...caller.permissions] };
  }
}
