import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi } from '../testing/test-api.ts';
import { TestClient } from '../testing/test-client.ts';

let api: TestApi;

beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

interface RouterLayer {
  route?: { path: string | string[]; methods: Record<string, boolean> };
}

/** What Express itself would answer to, not what our metadata says. */
function servedRoutes(): string[] {
  const { router } = api.app.getHttpAdapter().getInstance();
  // Express types a layer's route without its methods, which it has.
  const layers = router.stack as unknown as RouterLayer[];
  return layers
    .flatMap(({ route }) =>
      route === undefined
        ? []
        : [route.path]
            .flat()
            .flatMap((path) => Object.keys(route.methods).map((method) => `${method} ${path}`)),
    )
    .filter((route) => route.includes(' /v1/'))
    .map((route) => route.replaceAll(/[:*](\w+)/g, '{$1}'))
    .sort();
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, served to anybody', async () => {
    const { status, body } = await new TestClient(api.url).get('/v1/openapi.json');
    expect(status).toBe(200);
    const result = await new Validator().validate(body);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('lists every route that Express serves below /v1, and no other', async () => {
    const { body } = await new TestClient(api.url).get('/v1/openapi.json');
    const listed = Object.entries<Record<string, unknown>>(body.paths)
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`))
      .sort();
    expect(listed.length).toBeGreaterThan(35);
    expect(listed).toEqual(servedRoutes());
  });

  it('describes requests by the schemas that parse them', async () => {
    const { body } = await new TestClient(api.url).get('/v1/openapi.json');
    const deploy = body.paths['/v1/policies/deploy'].post;
    const schema = deploy.requestBody.content['application/json'].schema;
    expect(schema.required).toEqual(['documents', 'basedOn', 'reason', 'confirm']);
    expect(schema.additionalProperties).toBe(false);
    expect(deploy.responses['201']).toBeDefined();
    const limit = body.paths['/v1/events'].get.parameters.find(
      (one: { name: string }) => one.name === 'limit',
    );
    expect(limit.schema).toMatchObject({ minimum: 1, maximum: 500, default: 100 });
  });
});
