import { Module } from '@nestjs/common';

/** The REST side's features. */
@Module({ imports: [] })
export class ApiModule {}
