import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Public } from '../auth/access.decorators.ts';
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

  /** Everything it needs answers; 503 names what does not. */
  @Public()
  @Get('readyz')
  async ready(@Res({ passthrough: true }) response: Response): Promise<HealthReport> {
    const report = await this.health.report();
    if (!report.ready) response.status(503);
    return report;
  }
}
