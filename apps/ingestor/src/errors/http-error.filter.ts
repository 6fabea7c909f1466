import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { type ErrorCode, RaypherError } from '@raypher/shared';
import type { Response } from 'express';
import { ZodError } from 'zod';

/** Every error leaves as `{ error: { code, message, hint?, details? } }`; what is not ours is logged and hidden. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const error = asRaypherError(thrown);
    if (error.code === 'internal/unexpected') this.logger.error(thrown);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(error.httpStatus).json(error.toBody());
  }
}

/** Gives any thrown value the one shape of the product. */
export function asRaypherError(thrown: unknown): RaypherError {
  if (thrown instanceof RaypherError) return thrown;
  if (thrown instanceof ZodError) {
    return new RaypherError('request/invalid', 'The request does not have the expected form.', {
      details: {
        issues: thrown.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
      },
    });
  }
  const status = statusOf(thrown);
  if (status === undefined || status >= 500) {
    return new RaypherError('internal/unexpected', 'Something went wrong on the server.', {
      hint: 'Try again; if it stays, look for this moment in the server log.',
      cause: thrown,
    });
  }
  return new RaypherError(codeOf(status), messageOf(status), { cause: thrown });
}

/** Nest's exceptions and those of Express' body parser both carry a status. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number')
    return thrown.status;
  return undefined;
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'auth/required';
    case 403:
      return 'auth/forbidden';
    case 404:
      return 'request/not-found';
    case 409:
      return 'request/conflict';
    case 413:
      return 'request/too-large';
    case 429:
      return 'request/rate-limited';
    default:
      return 'request/invalid';
  }
}

function messageOf(status: number): string {
  switch (status) {
    case 401:
      return 'Sign in first.';
    case 403:
      return 'You may not do this.';
    case 404:
      return 'There is nothing at this address.';
    case 413:
      return 'The request is too large.';
    case 429:
      return 'Too many requests.';
    default:
      return 'The request could not be understood.';
  }
}
