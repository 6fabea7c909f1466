import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { TestTpm } from '@raypher/testkit';
import { expect, test } from 'vitest';
import { Installation } from '../testing/installation.ts';

const MAIN = new URL('../../../edge-agent/src/cli/main.ts', import.meta.url).pathname;
async function run(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH ?? '', HOME: '/nowhere', ...env } });
  let out = ''; let err = '';
  child.stdout.on('data', (c) => { out += c; }); child.stderr.on('data', (c) => { err += c; });
  const [code] = await once(child, 'close');
  return { code, out, err };
}
test('cli', async () => {
  const inst = await Installation.start();
  const chip = await TestTpm.start({ manufactured: true });
  const data = mkdtempSync('/tmp/raypher-zz-');
  const env = { RAYPHER_TPM_TCTI: chip.tcti, RAYPHER_ENROLMENT_TOKEN: await inst.createToken() };
  const t = performance.now();
  const r = await run(['enroll', '--server', `https://127.0.0.1:${inst.tlsPort}`, '--data-dir', data], env);
  console.log(r, performance.now() - t);
  const svc = spawn(process.execPath, [MAIN, 'service', '--proxy-port', '0', '--data-dir', data], { env: { PATH: process.env.PATH ?? '', HOME: '/nowhere', ...env } });
  let log = ''; svc.stdout.on('data', (c) => { log += c; }); svc.stderr.on('data', (c) => { log += c; });
  await expect.poll(() => log, { timeout: 20_000 }).toContain('"connected"').catch(() => {});
  console.log(log);
  console.log((await run(['status', '--data-dir', data], env)).out);
  console.log((await run(['identity', '--data-dir', data], env)));
  svc.kill('SIGTERM'); await once(svc, 'exit');
  console.log((await run(['identity', '--data-dir', data], env)).out);
  // replace
  console.log(await run(['enroll', '--replace', '--server', `https://127.0.0.1:${inst.tlsPort}`, '--data-dir', data], env));
  const devices = await inst.tenants.within(inst.organisationId, (tx) => tx.device.findMany());
  console.log(devices.map((d) => [d.id, d.status, d.identityClass, d.identityReason]));
  // renew through the agent's own code, in a child
  const script = `
    const { loadEnrolment } = await import('${MAIN.replace('cli/main.ts', 'identity/enrolment.ts')}');
    const { openKeys } = await import('${MAIN.replace('cli/main.ts', 'identity/open-keys.ts')}');
    const { renew } = await import('${MAIN.replace('cli/main.ts', 'identity/renewal.ts')}');
    const { agentPaths } = await import('${MAIN.replace('cli/main.ts', 'service/paths.ts')}');
    const p = agentPaths('${data}'); const k = await openKeys(p, { identityKey: 'auto', tpmTcti: '${chip.tcti}' });
    const t = performance.now(); const r = await renew(loadEnrolment(p.enrolment), k); console.log('renewed', r.renewAfter, performance.now() - t); k.close();`;
  const c = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  console.log(await once(c, 'exit'));
  await chip.stop(); await inst.stop();
}, 90_000);
