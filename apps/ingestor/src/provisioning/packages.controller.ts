import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Logger, Param, Req, Res } from '@nestjs/common';
import { AgentPackage, pageOf } from '@raypher/shared/rest';
import type { Request, Response } from 'express';
import { Public, Requires } from '../auth/access.decorators.ts';
import { Answers } from '../openapi/contract.ts';
import { PackagesService } from './packages.service.ts';

@Controller('v1/packages')
export class PackagesController {
  private readonly logger = new Logger('Packages');

  constructor(private readonly packages: PackagesService) {}

  @Get()
  @Requires('enrolment-tokens:read')
  @Answers('What devices can install from here', pageOf(AgentPackage))
  list() {
    return { items: this.packages.list(), next: null };
  }

  /** For machines that are no devices yet. Whoever installs it compares the SHA-256 that came another way. */
  @Get(':filename')
  @Public()
  @Answers('A package, byte by byte', null)
  async download(
    @Param('filename') filename: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { path, described } = this.packages.find(filename);
    response.set({ ETag: `"${described.sha256}"`, 'Cache-Control': 'public, max-age=300, no-transform' });
    if (request.fresh) {
      response.status(304).end();
      return;
    }
    response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(described.bytes) });
    try {
      // No more than was announced, should the file have grown.
      await pipeline(createReadStream(path, { end: described.bytes - 1 }), response);
    } catch (error) {
      // The connection is gone, or the file; the client sees that it is cut off.
      this.logger.debug(`${described.filename} was not sent to its end: ${String(error)}`);
      response.destroy();
    }
  }
}
