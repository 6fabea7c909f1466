import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RaypherError } from '@raypher/shared';
import type { Response } from 'express';
import { map, type Observable } from 'rxjs';
import { ANSWER, type Answer } from './contract.ts';

/**
 * Holds every answer against its schema: what the contract does not name never leaves, and an answer that
 * breaks the contract is our error, not a surprise in the client.
 */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const answer = this.reflector.get<Answer | undefined>(ANSWER, context.getHandler());
    if (answer === undefined) return next.handle();
    context.switchToHttp().getResponse<Response>().status(answer.status);
    return next.handle().pipe(
      map((value: unknown) => {
        if (answer.schema === null) return undefined;
        const checked = answer.schema.safeParse(value);
        if (checked.success) return checked.data;
        throw new RaypherError('internal/unexpected', 'The answer does not have the promised form.', {
          details: {
            issues: checked.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
          },
          cause: checked.error,
        });
      }),
    );
  }
}
