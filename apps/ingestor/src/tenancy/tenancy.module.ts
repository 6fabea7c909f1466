import { Global, Module } from '@nestjs/common';
import { MeController } from './me.controller.ts';
import { MembersController } from './members.controller.ts';
import { MembersRepository } from './members.repository.ts';
import { MembersService } from './members.service.ts';
import { TeamsController } from './teams.controller.ts';
import { TeamsRepository } from './teams.repository.ts';

@Global()
@Module({
  controllers: [MeController, TeamsController, MembersController],
  providers: [TeamsRepository, MembersRepository, MembersService],
  exports: [TeamsRepository, MembersService],
})
export class TenancyModule {}
