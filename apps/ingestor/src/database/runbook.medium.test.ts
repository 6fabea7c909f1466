import { ERROR_CODES } from '@raypher/shared';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inlineCode, readDocument } from '../testing/documents.ts';
import { metricNames } from '../testing/prom-ql.ts';

let database: TestDatabase;
let owner: pg.Client;
let runbook: string;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.urls.owner });
  await owner.connect();
  runbook = await readDocument('docs/runbook.md');
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

describe('what the runbook tells people to do', () => {
  it('works in the database, as the role it names', async () => {
    const statements = inlineCode(runbook).filter((code) => code.startsWith('SELECT '));
    expect(statements.length).toBeGreaterThanOrEqual(7);
    for (const statement of statements) {
      await expect(owner.query(statement), statement).resolves.toBeDefined();
    }
  });

  it('names error codes that exist', () => {
    const codes = inlineCode(runbook).filter((code) =>
      /^(device|ledger|link|database|policy|bundle)\/[a-z-]+$/.test(code),
    );
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
  });
});

describe('what the capacity model asks people to measure', () => {
  it('is PromQL', async () => {
    const queries = inlineCode(await readDocument('docs/capacity.md')).filter((code) =>
      code.includes('raypher_'),
    );
    expect(queries).toHaveLength(2);
    for (const query of queries) expect(metricNames(query).length, query).toBeGreaterThan(0);
  });
});
