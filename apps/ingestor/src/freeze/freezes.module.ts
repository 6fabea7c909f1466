import { Module } from '@nestjs/common';
import { FreezesController } from './freezes.controller.ts';
import { FreezesRepository } from './freezes.repository.ts';
import { FreezesService } from './freezes.service.ts';

@Module({
  controllers: [FreezesController],
  providers: [FreezesRepository, FreezesService],
  exports: [FreezesService],
})
export class FreezesModule {}
