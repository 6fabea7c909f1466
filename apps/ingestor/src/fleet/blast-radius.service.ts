import { Injectable } from '@nestjs/common';
import { type FreezeSelector, RaypherError } from '@raypher/shared';
import type { BlastRadius, BlastRadiusQuery } from '@raypher/shared/rest';
import { isInStage } from '../rollouts/stage-membership.ts';
import { AiAgentsRepository, type ReachedAiAgent } from './ai-agents.repository.ts';
import { DevicesRepository } from './devices.repository.ts';
import { PresenceReader } from './presence.reader.ts';

const SAMPLE = 50;

interface Target {
  id: string;
  hostname: string;
  simulated: boolean;
}

/** Counts whom an action would meet now; nothing is changed. */
@Injectable()
export class BlastRadiusService {
  constructor(
    private readonly agents: AiAgentsRepository,
    private readonly devices: DevicesRepository,
    private readonly presence: PresenceReader,
  ) {}

  async preview(organisationId: string, query: BlastRadiusQuery): Promise<BlastRadius> {
    const presence = await this.presence.connected(organisationId);
    const reached = await this.agents.reached(organisationId, selectorOf(query));
    const targets = await this.targets(organisationId, query, reached);
    const ids = new Set(targets.map((target) => target.id));
    const agents = reached.filter((agent) => ids.has(agent.deviceId));
    const connected = [...presence].filter(([id]) => ids.has(id));
    const withAgents = agents.map(({ name, ...device }) => ({ ...device, agent: name }));
    const busy = new Set(agents.map((agent) => agent.deviceId));
    const without = targets
      .filter((target) => !busy.has(target.id))
      .map(({ id, hostname, simulated }) => ({ deviceId: id, hostname, simulated, agent: null }));
    return {
      devices: targets.length,
      connectedDevices: connected.length,
      aiAgents: agents.length,
      connections: connected.reduce((sum, [, { connections }]) => sum + connections, 0),
      sample: [...withAgents, ...without].slice(0, SAMPLE),
    };
  }

  /** The devices that will be given something new. A freeze by property reaches those that have it now. */
  private async targets(
    organisationId: string,
    query: BlastRadiusQuery,
    reached: readonly ReachedAiAgent[],
  ): Promise<Target[]> {
    switch (query.action) {
      case 'deploy': {
        const { stage } = query;
        const active = await this.devices.active(organisationId, undefined);
        if (stage === undefined) return active;
        return active.filter(({ id, teamId }) => isInStage(stage, { deviceId: id, teamId }));
      }
      case 'panic':
      case 'revoke': {
        const found = await this.devices.active(organisationId, { device: query.device });
        if (found.length === 0)
          throw new RaypherError('request/not-found', 'There is no such active device.');
        return found;
      }
      case 'freeze':
        if (query.selector.kind === 'all') return this.devices.active(organisationId, undefined);
        if (query.selector.kind === 'team') {
          return this.devices.active(organisationId, { team: query.selector.team });
        }
        return [...new Map(reached.map((agent) => [agent.deviceId, agent])).values()].map(
          ({ deviceId, hostname, simulated }) => ({ id: deviceId, hostname, simulated }),
        );
    }
  }
}

/** Which AI agents are meant; undefined: all of the devices that are. */
function selectorOf(query: BlastRadiusQuery): FreezeSelector | undefined {
  if (query.action === 'freeze') return query.selector;
  if (query.action !== 'panic' || query.agent === undefined) return undefined;
  return { kind: 'agent', agent: query.agent, name: query.agent };
}
