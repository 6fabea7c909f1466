import { Module } from '@nestjs/common';
import { AlertsController } from './alerts.controller.ts';
import { AlertsRepository } from './alerts.repository.ts';

@Module({ controllers: [AlertsController], providers: [AlertsRepository], exports: [AlertsRepository] })
export class AlertsModule {}
