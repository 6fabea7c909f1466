import { Controller, Get, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Public } from '../auth/access.decorators.ts';
import { isOutside } from '../http/is-outside.ts';
import { type HealthReport, HealthService } from './health.service.ts';

@Controller()
export class HealthController {
  private readonly health: HealthService;

  constructor(health: HealthService) {
    this.health = health;
  }

  /** The process runs and its event loop turns. */
  @Public()
  @Get('healthz')
  alive(): { alive: true } {
    return { alive: true };
  }

  /** Everything it needs answers; 503 names what does not. Why is for this machine only. */
  @Public()
  @Get('readyz')
  async ready(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<HealthReport> {
    const report = await this.health.report();
    if (!report.ready) response.status(503);
    return isOutside(request) ? withoutDetail(report) : report;
  }
}

function withoutDetail({ ready, parts }: HealthReport): HealthReport {
  return {
    ready,
    parts: Object.fromEntries(Object.entries(parts).map(([name, { ok }]) => [name, { ok }])),
  };
}
