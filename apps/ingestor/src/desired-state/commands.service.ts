import { Injectable, Logger } from '@nestjs/common';
import type { CommandResult } from '@raypher/shared';
import { z } from 'zod';
import { plainJson } from '../ingest/plain-json.ts';
import { plainText } from '../ingest/plain-text.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import type { DeviceStream } from '../link/device-stream.ts';
import { StreamRegistry } from '../link/stream-registry.ts';
import { encode } from '../link/wire.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { CommandsRepository } from './commands.repository.ts';

const MAX_RESULT = 64 * 1024;

/** Hands waiting commands to their devices, at least once, and takes the results. */
@Injectable()
export class CommandsService {
  private readonly logger = new Logger('Commands');
  /** Commands whose result is being written: what else arrives for them meanwhile is not the first. */
  private readonly finishing = new Set<string>();

  constructor(
    private readonly repository: CommandsRepository,
    private readonly registry: StreamRegistry,
    private readonly redis: RedisConnections,
  ) {}

  /** Sends what waits for these devices and was not sent on their present stream. */
  async deliver(organisationId: string, deviceIds: string[]): Promise<void> {
    for (const command of await this.repository.waiting(organisationId, deviceIds)) {
      const stream = this.registry.find(command.deviceId);
      if (stream === undefined || stream.commands?.has(command.id) === true) continue;
      const { payload, signature, keyId } = command;
      const frame = encode({
        $case: 'command',
        value: { id: command.id, bundle: { payload, signature, keyId } },
      });
      // A device that does not keep up gets it at a later sweep.
      if (!stream.send(frame)) continue;
      stream.commands ??= new Set();
      stream.commands.add(command.id);
    }
  }

  async finished(stream: DeviceStream, identity: DeviceIdentity, result: CommandResult): Promise<void> {
    if (!z.uuid().safeParse(result.commandId).success) return;
    const key = `${identity.deviceId} ${result.commandId}`;
    if (this.finishing.has(key)) return;
    this.finishing.add(key);
    try {
      const isFirst = await this.repository.finish(identity.deviceId, {
        id: result.commandId,
        ok: result.ok,
        code: plainText(result.code, 64),
        detail: plainText(result.detail, 1_000),
        result: parseResult(result.resultJson),
      });
      if (!isFirst) return;
      const message: LiveMessage = {
        kind: 'command',
        organisation: identity.organisationId,
        commandId: result.commandId,
      };
      this.redis.publish(LIVE_CHANNEL, message);
    } catch (error) {
      this.logger.warn(error, 'The result of a command could not be stored');
      // Forgotten here, it is sent again; the device answers a command it knows with the same result.
      stream.commands?.delete(result.commandId);
    } finally {
      this.finishing.delete(key);
    }
  }
}

function parseResult(json: string): unknown {
  if (json === '' || json.length > MAX_RESULT) return {};
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? plainJson(value) : {};
  } catch {
    return {};
  }
}
