import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';

const run = promisify(execFile);
const DOCS = new URL('../../../../docs/gitops.md', import.meta.url);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

let api: TestApi;
let acme: TestOrganisation;
let team: string;
let token: string;
let folder: string;

const policy = (host: string) =>
  `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow, rules: [{ id: ban, effect: deny, destinations: [${host}] }] }\n`;
const test = (host: string, outcome: string) =>
  `tests: [{ name: ${host}, request: { action: network.connect, host: ${host} }, expect: { outcome: ${outcome} } }]\n`;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
  const created = await acme.administrator.post('/v1/teams', { name: 'Research' });
  team = created.body.id;
  const answer = await acme.administrator.post('/v1/api-tokens', {
    name: 'pipeline',
    scopes: ['policies:deploy'],
  });
  token = answer.body.token;
  folder = await mkdtemp(join(tmpdir(), 'raypher-gitops-'));
  await mkdir(join(folder, 'policies', 'teams'), { recursive: true });
  const [script] = (await readFile(DOCS, 'utf8')).match(/(?<=```sh\n)[\s\S]*?(?=```)/) ?? [];
  await writeFile(join(folder, 'apply-policies.sh'), script ?? 'exit 99');
  await writeFile(join(folder, 'policies', 'global.yaml'), policy('a.example'));
  await writeFile(join(folder, 'policies', 'global.test.yaml'), test('a.example', 'DENY'));
  await writeFile(join(folder, 'policies', 'teams', `${team}.yaml`), policy('b.example'));
  await writeFile(join(folder, 'policies', 'teams', `${team}.test.yaml`), test('b.example', 'DENY'));
});
afterAll(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

async function apply(...query: string[]) {
  const { stdout } = await run('sh', ['apply-policies.sh', ...query], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      RAYPHER_URL: api.url,
      RAYPHER_TOKEN: token,
      REPOSITORY: 'git.example/policies',
      COMMIT,
      REASON: 'As merged: “quotes” and $dollars',
    },
  });
  return JSON.parse(stdout);
}

it('the script of docs/gitops.md tries, applies, applies nothing twice, and fails with a failing test', async () => {
  expect(await apply('?dry_run=true')).toMatchObject({ changed: true, dryRun: true, revision: 1 });
  expect(await apply()).toMatchObject({ changed: true, revision: 2 });
  expect(await apply()).toMatchObject({ changed: false, revision: 2 });
  const { body } = await acme.administrator.get('/v1/policies/running');
  expect(body).toMatchObject({
    createdBy: 'API token pipeline',
    reason: 'As merged: “quotes” and $dollars',
    source: { repository: 'git.example/policies', commit: COMMIT },
    documents: [
      { layer: 'global', source: policy('a.example') },
      { layer: 'team', team, source: policy('b.example') },
    ],
    tests: [{ layer: 'global' }, { layer: 'team', team }],
  });
  await writeFile(join(folder, 'policies', 'global.test.yaml'), test('a.example', 'ALLOW'));
  // `--fail-with-body`: an exit code for the pipeline, the answer for the person who reads it.
  await expect(apply()).rejects.toMatchObject({
    code: 22,
    stdout: expect.stringContaining('policy/tests-failed'),
  });
});
