import { Controller, Get, Header, Req } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Request } from 'express';
import { Public } from '../auth/access.decorators.ts';
import { isOutside } from '../http/is-outside.ts';
import { MetricsService } from './metrics.service.ts';

@Controller()
export class MetricsController {
  private readonly metrics: MetricsService;

  constructor(metrics: MetricsService) {
    this.metrics = metrics;
  }

  /** Only on the loopback listener: numbers of a fleet are nobody else's business. */
  @Public()
  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  read(@Req() request: Request): Promise<string> {
    if (isOutside(request)) throw new RaypherError('request/not-found', 'There is nothing at this address.');
    return this.metrics.registry.metrics();
  }
}
