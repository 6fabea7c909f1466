import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import type { ControlRequest } from '../service/control-protocol.ts';
import { acquireLock } from '../service/lock.ts';
import { closeStore, type OpenedAgent, openAgent } from '../service/open-agent.ts';
import type { AgentPaths } from '../service/paths.ts';
import { askService } from './control-client.ts';

/**
 * Asks the running service, the one owner of store and TPM; where none runs, opens them under its lock.
 *
 * @param alone answers the request without a service; what it records is on disk when this resolves
 * @throws RaypherError what the service or `alone` throws, `service/already-running` when one starts in between
 */
export async function askServiceOrAgent(
  { config, paths }: { config: Config; paths: AgentPaths },
  request: ControlRequest,
  alone: (agent: OpenedAgent) => Promise<unknown>,
): Promise<unknown> {
  try {
    return await askService(paths.control, request);
  } catch (error) {
    if (!(error instanceof RaypherError) || error.code !== 'service/not-running') throw error;
  }
  const release = acquireLock(paths.lock);
  try {
    const agent = await openAgent(paths, config);
    try {
      return await alone(agent);
    } finally {
      await closeStore(agent);
      agent.membership?.keys.close();
    }
  } finally {
    release();
  }
}
