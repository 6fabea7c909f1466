import type { AiAgentView } from '@raypher/shared/rest';
import type { z } from 'zod';

export type AiAgent = z.infer<typeof AiAgentView>;
export type AiProcess = AiAgent['processes'][number];
