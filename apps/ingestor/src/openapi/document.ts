import { ErrorResponse } from '@raypher/shared/rest';
import { z } from 'zod';
import type { Route } from './routes.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of these routes, made from the schemas that parse their requests and answers. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    paths[route.path] = operations;
    operations[route.method] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Raypher REST API',
      version,
      description:
        'Programs send an API token as `Authorization: Bearer rpk_…`. Lists are pages: `next` is the cursor of the following one, null at the end.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: schemaOf(ErrorResponse, 'output') },
      responses: {
        Error: {
          description: 'What went wrong, and what to do next',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
      securitySchemes: {
        apiToken: { type: 'http', scheme: 'bearer', bearerFormat: 'rpk_…' },
        session: { type: 'apiKey', in: 'cookie', name: 'raypher.session_token' },
      },
    },
  };
}

function operation(route: Route): Json {
  const { answer, body, query } = route.contract;
  const status = String(answer?.status ?? 200);
  const content =
    answer?.schema == null
      ? {}
      : { content: { 'application/json': { schema: schemaOf(answer.schema, 'output') } } };
  return {
    operationId: route.handler.replace('Controller.', '.'),
    tags: [route.tag],
    summary: answer?.summary ?? route.handler,
    ...(route.access === 'public' || route.access === 'signed-in' || route.access === undefined
      ? {}
      : { description: `Needs the permission \`${route.access}\`.` }),
    security: route.access === 'public' ? [] : [{ apiToken: [] }, { session: [] }],
    parameters: [...pathParameters(route.path), ...(query === undefined ? [] : queryParameters(query))],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(body, 'input') } },
          },
        }),
    responses: {
      [status]: { description: answer?.summary ?? 'Done', ...content },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema:
      numberFrom(name) === undefined ? { type: 'string' } : { type: 'integer', minimum: numberFrom(name) },
  }));
}

/** What a parameter that is a number begins with. */
function numberFrom(name: string | undefined): number | undefined {
  if (name === 'index') return 0;
  return name === 'revision' || name === 'seq' ? 1 : undefined;
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties } = z
    .object({ properties: z.record(z.string(), z.unknown()) })
    .parse(schemaOf(query, 'input'));
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
  });
  return rest;
}
