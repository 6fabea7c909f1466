import { Param } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';

/** A uuid in the path; anything else names nothing. */
export function IdParameter(name: string): ParameterDecorator {
  return Param(name, {
    transform: (value: unknown) => {
      const id = z.uuid().safeParse(value);
      if (id.success) return id.data;
      throw new RaypherError('request/not-found', 'There is nothing with this id.');
    },
  });
}

/** A revision or sequence number in the path. */
export function NumberParameter(name: string): ParameterDecorator {
  return Param(name, {
    transform: (value: unknown) => {
      const number = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).safeParse(value);
      if (number.success) return number.data;
      throw new RaypherError('request/not-found', 'There is nothing with this number.');
    },
  });
}

/** The place of an entry in the log, from 0. */
export function IndexParameter(name: string): ParameterDecorator {
  return Param(name, {
    transform: (value: unknown) => {
      const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).safeParse(value);
      if (number.success) return number.data;
      throw new RaypherError('request/not-found', 'There is no entry with this index.');
    },
  });
}
