import { Module } from '@nestjs/common';
import { PricesRepository } from './prices.repository.ts';

/** The policy takes prices along; who changes them sends the policy again. */
@Module({ providers: [PricesRepository], exports: [PricesRepository] })
export class PricesModule {}
