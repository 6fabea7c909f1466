import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServiceStatus } from '../service/service-status.ts';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestService } from '../testing/test-service.ts';

const PRINT = 'console.log(process.env.OPENAI_BASE_URL)';
let service: TestService;

beforeAll(async () => {
  service = await TestService.prepare();
  await service.start();
});
afterAll(() => service.stop());

function baseUrl(dataDir: string) {
  const args = [MAIN, 'run', '--data-dir', dataDir, '--', process.execPath, '-e', PRINT];
  return promisify(execFile)(process.execPath, args, {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: tmpdir() },
  });
}

test('a command is led to the port that the running service has, whatever the configuration says', async () => {
  const { proxy } = ServiceStatus.parse(await service.ask({ verb: 'status' }));
  const { stdout } = await baseUrl(service.config.dataDir);
  expect(stdout).toBe(`http://127.0.0.1:${proxy.port}/v1\n`);
}, 60_000);

test('a device that was not shown a checkpoint keeps none, and is told when it will', async () => {
  const asked = promisify(execFile)(
    process.execPath,
    [MAIN, 'checkpoint', '--data-dir', service.config.dataDir],
    { env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT } },
  );
  await expect(asked).rejects.toMatchObject({
    code: 4,
    stdout: '',
    stderr: expect.stringMatching(
      /has not been shown a checkpoint yet\.\nIt is shown one about half a minute/,
    ),
  });
}, 60_000);

test('without a service it says so and names the port it takes instead', async () => {
  const { stdout, stderr } = await baseUrl(mkdtempSync(join(tmpdir(), 'raypher-run-')));
  expect(stderr).toContain('The service is not running. The proxy is taken to be on port 8888.');
  expect(stdout).toBe('http://127.0.0.1:8888/v1\n');
}, 60_000);
