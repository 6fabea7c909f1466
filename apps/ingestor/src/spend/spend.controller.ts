import { Controller, Get } from '@nestjs/common';
import {
  Budgets,
  Spend,
  SpendQuery,
  SpendSeries,
  SpendSeriesQuery,
  type SpendSums,
} from '@raypher/shared/rest';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, Search } from '../openapi/contract.ts';
import { BudgetsReader } from './budgets.reader.ts';
import { teamOnly } from './own-team.ts';
import { SpendReader, type SumsRow } from './spend.reader.ts';

const MOST_ROWS = 200;

@Controller('v1')
export class SpendController {
  constructor(
    private readonly reader: SpendReader,
    private readonly budgetsReader: BudgetsReader,
  ) {}

  @Get('spend')
  @Requires('spend:read')
  @Answers('What calls of models cost, broken down', Spend)
  async spend(@Caller() caller: Principal, @Search(SpendQuery) query: SpendQuery): Promise<Spend> {
    const { from, to, group } = query;
    const scope = { from, to, team: teamOnly(caller) };
    const { rows, total } = await this.reader.groups(caller.organisation.id, group, scope, MOST_ROWS);
    return {
      from,
      to,
      group,
      totals: sumsOf(total),
      simulatedMicros: Number(total.simulatedMicros),
      rows: rows.map((row) => ({ ...sumsOf(row), key: row.key, name: row.name, simulated: row.simulated })),
      more: Number(total.groups) - rows.length,
    };
  }

  @Get('spend/series')
  @Requires('spend:read')
  @Answers('What calls of models cost, day by day', SpendSeries)
  async series(
    @Caller() caller: Principal,
    @Search(SpendSeriesQuery) { from, to }: SpendSeriesQuery,
  ): Promise<SpendSeries> {
    const days = await this.reader.days(caller.organisation.id, { from, to, team: teamOnly(caller) });
    return { from, to, days: days.map((row) => ({ ...sumsOf(row), day: row.day })) };
  }

  @Get('budgets')
  @Requires('spend:read')
  @Answers('The limits of the running policy, and what is used of them', Budgets)
  budgets(@Caller() caller: Principal): Promise<Budgets> {
    return this.budgetsReader.read(caller.organisation.id, teamOnly(caller));
  }
}

function sumsOf(row: SumsRow): SpendSums {
  return {
    calls: Number(row.calls),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    cachedTokens: Number(row.cachedTokens),
    exactMicros: Number(row.exactMicros),
    estimatedMicros: Number(row.estimatedMicros),
    unknownCalls: Number(row.unknownCalls),
  };
}
