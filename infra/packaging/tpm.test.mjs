import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unitText } from '../../apps/edge-agent/src/setup/unit-text.ts';
import { TestControlPlane } from '../../apps/edge-agent/src/testing/test-control-plane.ts';
import { agentExecutable } from './testing/agent-executable.mjs';
import { PrivateSystemd } from './testing/private-systemd.mjs';

const folder = mkdtempSync(join(tmpdir(), 'raypher-tpm-package-'));
/** @type {string} */
let executable;
const dataDir = join(folder, 'data');

describe.skipIf(tpmUnavailable)(`the executable with a TPM ${tpmUnavailable ?? ''}`, () => {
  /** @type {TestTpm} */
  let chip;
  /** @type {TestControlPlane} */
  let plane;

  beforeAll(async () => {
    mkdirSync(dataDir, { mode: 0o700 });
    [chip, plane, executable] = await Promise.all([
      TestTpm.start({ manufactured: true }),
      TestControlPlane.start(),
      agentExecutable(),
    ]);
    const { status, stderr } = await raypher('enroll', '--server', plane.server.origin);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
  afterAll(async () => {
    await plane?.stop();
    await chip?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** @param {string[]} args */
  function start(...args) {
    return spawn(executable, [...args, '--data-dir', dataDir], {
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        RAYPHER_ENROLMENT_TOKEN: plane.token,
        RAYPHER_TPM_TCTI: chip.tcti,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** @param {string[]} args */
  async function raypher(...args) {
    const child = start(...args);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [status] = await once(child, 'close');
    return { status, stdout, stderr };
  }

  /** Its greeting arrives before it has read the answer. */
  const expectConnected = () =>
    expect
      .poll(async () => JSON.parse((await raypher('status', '--json')).stdout))
      .toMatchObject({ membership: { key: 'tpm' }, link: { state: 'connected' } });

  it('enrols with a key in it, and the service signs its TLS handshake there', async () => {
    expect(readdirSync(join(dataDir, 'identity')).toSorted()).toEqual([
      'enrolment.json',
      'store.json',
      'tpm.json',
    ]);
    const greeted = plane.hello();
    const service = start('service', '--proxy-port', '0');
    let said = '';
    service.stderr.on('data', (chunk) => {
      said += chunk;
    });
    service.stdout.resume();
    try {
      await Promise.race([
        greeted,
        once(service, 'exit').then(() => {
          throw new Error(said);
        }),
      ]);
      await expectConnected();
    } finally {
      service.kill('SIGTERM');
    }
    expect(await once(service, 'exit')).toEqual([0, null]);
    expect(said).toBe('');
  });

  it('does so with all the hardening of its unit, and seals its vault there', async ({ skip }) => {
    const reason = PrivateSystemd.unavailable();
    if (reason !== undefined) skip(reason);
    const units = join(folder, 'config', 'systemd', 'user');
    mkdirSync(units, { recursive: true });
    const unit = unitText([executable, 'service', '--proxy-port', '0'], dataDir);
    // A socket where a machine has a device; see below for that.
    const withTpm = unit.replace('[Service]\n', `[Service]\nEnvironment="RAYPHER_TPM_TCTI=${chip.tcti}"\n`);
    writeFileSync(join(units, 'raypher.service'), withTpm);
    const systemd = await PrivateSystemd.start(join(folder, 'config'));
    try {
      const greeted = plane.hello();
      expect(await systemd.tell('start', 'raypher')).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await greeted).vaultKey?.publicKey).toHaveLength(65);
      await expectConnected();
      const vault = await raypher('vault', 'list', '--json');
      expect(JSON.parse(vault.stdout)).toMatchObject({ bound: 'tpm', weakness: null });
      expect((await systemd.tell('stop', 'raypher')).status).toBe(0);
      expect(await systemd.property('raypher', 'Result')).toBe('success');
    } finally {
      await systemd.stop();
    }
  });
});

/** Devices that root opens without a further privilege, as the unit leaves it none: c 10 229 and c 10 200. */
const STANDING_IN = ['/dev/fuse', '/dev/net/tun'];

it('lets the service at the device of the TPM, and at no other one', async ({ skip }) => {
  const missing = STANDING_IN.find((device) => !existsSync(device));
  const reason =
    PrivateSystemd.unavailable() ??
    (missing === undefined ? undefined : `needs ${missing}, to stand in for a device`);
  if (reason !== undefined) skip(reason);
  const config = mkdtempSync(join(tmpdir(), 'raypher-device-rules-'));
  const units = join(config, 'systemd', 'user');
  mkdirSync(units, { recursive: true });
  const said = join(config, 'said');
  const ask = 'for name in tpmrm0 other; do (exec 2>/dev/null 3<>/dev/$name) && echo $name opens; done';
  const hardened = unitText(['/bin/sh', '-c', ask], config)
    .replace('Type=notify', `Type=oneshot\nSuccessExitStatus=1 2\nStandardOutput=truncate:${said}`)
    .replace('Restart=always', 'Restart=no')
    .replace('WatchdogSec=30', '');
  writeFileSync(join(units, 'raypher.service'), hardened);
  writeFileSync(join(units, 'unruled.service'), hardened.replace(/^Device(Policy|Allow)=.*$/gm, ''));
  writeFileSync(join(units, 'closed.service'), hardened.replace(/^DeviceAllow=.*$/gm, ''));
  const systemd = await PrivateSystemd.start(
    config,
    `mkdir /run/dev
     for name in null zero full random urandom tty; do cp -a /dev/$name /run/dev/; done
     mknod /run/dev/tpmrm0 c 10 229
     mknod /run/dev/other c 10 200
     mount --bind /run/dev /dev`,
  );
  try {
    /** @param {string} unit */
    const opened = async (unit) => {
      expect(await systemd.tell('start', unit)).toEqual({ status: 0, stdout: '', stderr: '' });
      return readFileSync(said, 'utf8');
    };
    expect(await opened('raypher')).toBe('tpmrm0 opens\n');
    // It is these rules that tell them apart.
    expect(await opened('closed')).toBe('');
    expect(await opened('unruled')).toBe('tpmrm0 opens\nother opens\n');
  } finally {
    await systemd.stop();
    rmSync(config, { recursive: true, force: true });
  }
});
