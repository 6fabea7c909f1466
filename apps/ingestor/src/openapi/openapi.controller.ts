import { Controller, Get } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { z } from 'zod';
import { Public } from '../auth/access.decorators.ts';
import { Answers } from './contract.ts';
import { openApiDocument } from './document.ts';
import { collectRoutes } from './routes.ts';

/** Of the API, not of the program: raised when a route changes in a way that clients notice. */
const API_VERSION = '1.0.0';

@Controller('v1/openapi.json')
export class OpenApiController {
  private document: Record<string, unknown> | undefined;

  constructor(private readonly modules: ModulesContainer) {}

  @Get()
  @Public()
  @Answers('This document', z.record(z.string(), z.unknown()))
  read() {
    this.document ??= openApiDocument(collectRoutes(this.modules), API_VERSION);
    return this.document;
  }
}
