import { connect } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { isErrorCode, RaypherError } from '@raypher/shared';
import { systemServiceHint } from '../config/system-service.ts';
import { ControlAnswer, type ControlRequest } from '../service/control-protocol.ts';

/**
 * Asks the running service.
 *
 * @param onEntry called for each streamed entry (`logs`)
 * @throws RaypherError `service/not-running`, or what the service refused with
 */
export async function askService(
  socketPath: string,
  request: ControlRequest,
  onEntry: (entry: unknown) => void = () => {},
): Promise<unknown> {
  const socket = connect(socketPath);
  const failure = new Promise<never>((_, reject) => {
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      const denied = cause.code === 'EACCES' || cause.code === 'EPERM';
      reject(
        denied
          ? new RaypherError('process/permission', 'Only the owner of the service may give it orders.', {
              hint: 'Run this with sudo.',
              cause,
            })
          : new RaypherError('service/not-running', 'The service is not running.', {
              hint:
                systemServiceHint(dirname(socketPath)) ??
                'Start it with `raypher service`, or name its folder with --data-dir.',
              cause,
            }),
      );
    });
  });
  const answered = (async () => {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) {
      const answer = ControlAnswer.parse(JSON.parse(line));
      if ('entry' in answer) onEntry(answer.entry);
      else if ('error' in answer) throw refusal(answer.error);
      else return answer.result;
    }
    throw new RaypherError('service/not-running', 'The service stopped before it answered.', {
      hint: 'Its log says why.',
    });
  })();
  // Whichever loses the race must not become an unhandled rejection.
  answered.catch(() => {});
  failure.catch(() => {});
  try {
    return await Promise.race([answered, failure]);
  } finally {
    socket.destroy();
  }
}

function refusal(error: Extract<ControlAnswer, { error: unknown }>['error']): RaypherError {
  const { code, message, hint, details } = error;
  return new RaypherError(isErrorCode(code) ? code : 'internal/unexpected', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  });
}
