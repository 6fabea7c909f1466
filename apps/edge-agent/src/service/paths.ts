import { join } from 'node:path';

/** Everything the agent keeps, under one folder that only its owner may enter. */
export interface AgentPaths {
  store: string;
  key: string;
  enrolment: string;
  lock: string;
  /** Socket on which the service takes orders from the command line. */
  control: string;
}

export function agentPaths(dataDir: string): AgentPaths {
  return {
    store: join(dataDir, 'agent.db'),
    key: join(dataDir, 'identity', 'device.key'),
    enrolment: join(dataDir, 'identity', 'enrolment.json'),
    lock: join(dataDir, 'service.lock'),
    control: join(dataDir, 'control.sock'),
  };
}
