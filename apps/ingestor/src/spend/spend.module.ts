import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.ts';
import { BudgetsReader } from './budgets.reader.ts';
import { PricesController } from './prices.controller.ts';
import { PricesModule } from './prices.module.ts';
import { SpendController } from './spend.controller.ts';
import { SpendReader } from './spend.reader.ts';

@Module({
  imports: [PoliciesModule, PricesModule],
  controllers: [SpendController, PricesController],
  providers: [SpendReader, BudgetsReader],
  exports: [SpendReader],
})
export class SpendModule {}
