import { Body, type PipeTransform, Query, SetMetadata } from '@nestjs/common';
import type { z } from 'zod';
import { requireStorable } from '../database/storable.ts';

/**
 * What a handler takes and gives, declared once: the same schemas parse requests, check answers and make
 * the OpenAPI document.
 */
export interface Contract {
  body?: z.ZodType;
  query?: z.ZodType;
  answer?: Answer;
}

export interface Answer {
  status: number;
  schema: z.ZodType | null;
  summary: string;
}

const CONTRACTS = new WeakMap<object, Map<PropertyKey, Contract>>();

/** The contract of a handler, as its decorators declared it. */
export function contractOf(prototype: object, method: PropertyKey): Contract {
  return CONTRACTS.get(prototype)?.get(method) ?? {};
}

function declare(prototype: object, method: PropertyKey, part: Contract): void {
  const ofClass = CONTRACTS.get(prototype) ?? new Map<PropertyKey, Contract>();
  ofClass.set(method, { ...ofClass.get(method), ...part });
  CONTRACTS.set(prototype, ofClass);
}

/** The JSON body, parsed; a ZodError becomes a 400 that names every field. */
export function JsonBody(schema: z.ZodType): ParameterDecorator {
  return (target, method, index) => {
    if (method !== undefined) declare(target, method, { body: schema });
    Body(parsedBy(schema))(target, method, index);
  };
}

/** The query string, parsed. */
export function Search(schema: z.ZodType): ParameterDecorator {
  return (target, method, index) => {
    if (method !== undefined) declare(target, method, { query: schema });
    Query(parsedBy(schema))(target, method, index);
  };
}

/** Metadata key of the {@link Answer}, for the interceptor that checks it. */
export const ANSWER = 'raypher:answer';

/** What the handler answers with, for people and for the check. */
export function Answers(summary: string, schema: z.ZodType | null, status = 200): MethodDecorator {
  return (target, method, descriptor) => {
    const answer: Answer = { summary, schema, status };
    declare(target, method, { answer });
    SetMetadata(ANSWER, answer)(target, method, descriptor);
  };
}

function parsedBy(schema: z.ZodType): PipeTransform {
  return { transform: (value: unknown) => requireStorable(schema.parse(value ?? {})) };
}
