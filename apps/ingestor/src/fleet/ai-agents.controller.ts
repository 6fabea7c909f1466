import { Controller, Get } from '@nestjs/common';
import { AiAgentQuery, AiAgentView, AiProcessView, pageOf } from '@raypher/shared/rest';
import { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { Answers, Search } from '../openapi/contract.ts';
import { type AiAgentRow, AiAgentsRepository } from './ai-agents.repository.ts';

const AiAgentKey = z.object({
  isGone: z.boolean(),
  hostname: z.string(),
  name: z.string(),
  deviceId: z.uuid(),
  id: z.string(),
});

@Controller('v1/agents')
export class AiAgentsController {
  constructor(private readonly agents: AiAgentsRepository) {}

  @Get()
  @Requires('agents:read')
  @Answers('AI agents on active devices', pageOf(AiAgentView))
  async list(@Caller() caller: Principal, @Search(AiAgentQuery) query: z.infer<typeof AiAgentQuery>) {
    const after = query.cursor === undefined ? undefined : decodeCursor(AiAgentKey, query.cursor);
    const { rows, total } = await this.agents.page(caller.organisation.id, query, after, query.limit);
    const page = toPage(rows, query.limit, showAiAgent, (row) => ({
      isGone: row.state === 'gone',
      hostname: row.hostname,
      name: row.name,
      deviceId: row.deviceId,
      id: row.id,
    }));
    return { ...page, total };
  }
}

// Written by the link from the agent's own report; nonsense shows no processes rather than no page.
const Processes = z.array(AiProcessView).catch([]);
const State = z.enum(['running', 'frozen', 'gone']);

function showAiAgent(row: AiAgentRow): z.infer<typeof AiAgentView> {
  return {
    ...row,
    state: State.parse(row.state),
    processes: Processes.parse(row.processes),
    firstSeenAt: row.firstSeenAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
  };
}
