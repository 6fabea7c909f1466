import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Response } from 'express';
import { finalize, type Observable } from 'rxjs';
import type { AuthenticatedRequest } from '../auth/access.decorators.ts';
import { Turns } from './turns.ts';

/** Requests of one caller that are worked on at once: less than half of the connections to the database. */
export const AT_ONCE = 4;
/** And that wait meanwhile. A console with several windows asks for a few dozen things after a change. */
export const MOST_WAITING = 60;

/**
 * No person and no API token can keep the others from a freeze by asking for much at once: requests of one caller go
 * in turns. In each API process for itself.
 */
@Injectable()
export class CallerTurnsInterceptor implements NestInterceptor {
  readonly #callers = new Map<string, Turns>();

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const { principal } = http.getRequest<AuthenticatedRequest>();
    if (principal === undefined) return next.handle();
    const caller = `${principal.kind} ${principal.id}`;
    const turns = this.#callers.get(caller) ?? new Turns(AT_ONCE, MOST_WAITING);
    this.#callers.set(caller, turns);
    const response = http.getResponse<Response>();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const end = await turns.take(gone.signal);
    if (end === undefined) {
      response.setHeader('retry-after', '1');
      throw new RaypherError('request/rate-limited', 'You have too many requests open at once.', {
        hint: `Send the next ones when earlier ones are answered: ${AT_ONCE} are worked on at once, ${MOST_WAITING} wait.`,
      });
    }
    return next.handle().pipe(
      finalize(() => {
        end();
        if (turns.isIdle) this.#callers.delete(caller);
      }),
    );
  }
}
