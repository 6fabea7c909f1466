import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '../../config/config.ts';
import { systemServiceHint } from '../../config/system-service.ts';
import type { ServiceStatus } from '../../service/service-status.ts';
import { storeKeyLine } from '../../store/store-key.ts';
import { loadInstallRecord, sha256Of } from '../install-record.ts';
import { systemLayout, UNIT } from '../system-layout.ts';
import { askSystemctl, isSystemdRunning } from '../systemctl.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

/** @param status what the running service says; undefined when none answers */
export function serviceChecks(config: Config, status: ServiceStatus | undefined): Check[] {
  return [
    { name: 'service', run: () => running(config, status) },
    { name: 'unit', run: () => unit(config) },
    ...(status === undefined
      ? []
      : [
          { name: 'control plane', run: () => link(status) },
          { name: 'guard', run: () => guard(status) },
          { name: 'entries', run: () => entries(status) },
        ]),
  ];
}

function running(config: Config, status: ServiceStatus | undefined): Finding {
  if (status === undefined) {
    return fail(
      'no service answers on the control socket',
      systemServiceHint(config.dataDir) ??
        'Start it: `systemctl start raypher` or `raypher service`; as another user than its own, use sudo.',
    );
  }
  const down = status.parts.filter(({ state }) => state !== 'running');
  if (down.length === 0) return ok(`process ${status.pid} since ${status.startedAt}, every part runs`);
  return fail(
    down.map(({ name, state, reason }) => `${name} is ${state}: ${reason}`).join('; '),
    'Its log says more.',
  );
}

/** What holds AI agents here, by its own tests, and why the rest does not. */
function guard({ posture }: ServiceStatus): Finding {
  const held = posture.filter(({ capability }) => capability.startsWith('kernel.'));
  const shown = held
    .map(({ capability, state, reason }) => `${capability.slice('kernel.'.length)} ${state}: ${reason}`)
    .join('; ');
  return held.every(({ state }) => state !== 'unavailable')
    ? ok(shown)
    : warn(shown, 'docs/guard.md says what holds on which kernel; `raypher run` holds what it starts.');
}

/** What a stolen disk tells of what was recorded. */
function entries({ ledger }: ServiceStatus): Finding {
  const shown = `encrypted; ${storeKeyLine(ledger.key)}`;
  if (ledger.key === 'tpm') return ok(shown);
  return warn(shown, 'Enrol with the TPM, where there is one: `raypher enroll --replace --identity tpm`.');
}

function unit(config: Config): Finding {
  const layout = systemLayout('/', config);
  const file = [layout.unit, ...layout.packagedUnits].find((path) => existsSync(path));
  if (file === undefined) return warn('not installed as a service', 'Run `raypher install` as root.');
  const recorded = loadInstallRecord(config.dataDir).files[file];
  if (recorded !== undefined && sha256Of(file) !== recorded.sha256) {
    return warn(
      `${file} was changed since it was installed`,
      'Run `raypher install` to put it back; change it with `systemctl edit raypher`.',
    );
  }
  if (!/^Restart=always$/m.test(readFileSync(file, 'utf8'))) {
    return warn(`${file} does not start the service again`, 'Run `raypher install`.');
  }
  if (!isSystemdRunning()) return warn(`${file}, but systemd does not run this system`, '');
  const [enabled, active, stale] = [
    askSystemctl('is-enabled', UNIT),
    askSystemctl('is-active', UNIT),
    askSystemctl('show', UNIT, '--property=NeedDaemonReload', '--value'),
  ];
  if (stale === 'yes') return warn(`${file} was changed and not read yet`, 'Run `systemctl daemon-reload`.');
  if (enabled !== 'enabled') return warn('does not start at boot', 'Run `systemctl enable raypher`.');
  return active === 'active'
    ? ok(`${file}, enabled and active`)
    : fail('enabled, but not active', 'Run `systemctl start raypher`.');
}

function link({ link: state }: ServiceStatus): Finding {
  if (state === null) return warn('not enrolled, so not connected', 'Run `raypher setup`.');
  const shown = `${state.state} since ${state.since}${state.reason === '' ? '' : `: ${state.reason}`}`;
  return state.state === 'connected' ? ok(shown) : warn(shown, 'What is enforced stays enforced meanwhile.');
}
