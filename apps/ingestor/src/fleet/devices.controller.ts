import { Controller, Get, Patch, Post } from '@nestjs/common';
import {
  DecideDevice,
  Device,
  DeviceDetail,
  DeviceQuery,
  pageOf,
  RevokeDevice,
  UpdateDevice,
} from '@raypher/shared/rest';
import type { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { IdParameter } from '../openapi/path-parameters.ts';
import { DeviceDecisionsService } from './device-decisions.service.ts';
import { DevicesService } from './devices.service.ts';

@Controller('v1/devices')
export class DevicesController {
  constructor(
    private readonly devices: DevicesService,
    private readonly decisions: DeviceDecisionsService,
  ) {}

  @Get()
  @Requires('devices:read')
  @Answers('Devices by host name', pageOf(Device))
  list(@Caller() caller: Principal, @Search(DeviceQuery) query: z.infer<typeof DeviceQuery>) {
    return this.devices.list(caller.organisation.id, query);
  }

  @Get(':id')
  @Requires('devices:read')
  @Answers('One device with its certificates and the head of its ledger', DeviceDetail)
  get(@Caller() caller: Principal, @IdParameter('id') id: string) {
    return this.devices.get(caller.organisation.id, id);
  }

  @Patch(':id')
  @Requires('devices:manage')
  @Answers('Changes label or team', DeviceDetail)
  update(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(UpdateDevice) body: UpdateDevice,
  ) {
    return this.devices.update(caller, id, body);
  }

  @Post(':id/approve')
  @Requires('devices:manage')
  @Answers('Lets a device that waits for approval connect', DeviceDetail)
  approve(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(DecideDevice) body: DecideDevice,
  ) {
    return this.decisions.approve(caller, id, body);
  }

  @Post(':id/pause')
  @Requires('devices:manage')
  @Answers('Keeps a device from connecting until it is resumed', DeviceDetail)
  pause(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(DecideDevice) body: DecideDevice,
  ) {
    return this.decisions.pause(caller, id, body);
  }

  @Post(':id/resume')
  @Requires('devices:manage')
  @Answers('Lets a paused device connect again, whichever boot it comes from', DeviceDetail)
  resume(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(DecideDevice) body: DecideDevice,
  ) {
    return this.decisions.resume(caller, id, body);
  }

  @Post(':id/revoke')
  @Requires('devices:revoke')
  @Answers('Ends the identity of a device', DeviceDetail)
  revoke(
    @Caller() caller: Principal,
    @IdParameter('id') id: string,
    @JsonBody(RevokeDevice) body: RevokeDevice,
  ) {
    return this.devices.revoke(caller, id, body);
  }
}
