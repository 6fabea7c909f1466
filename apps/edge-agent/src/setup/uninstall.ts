import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import { acquireLock } from '../service/lock.ts';
import { isEnrolled, leaveOrganisation } from '../service/membership.ts';
import { agentPaths } from '../service/paths.ts';
import { loadInstallRecord, sha256Of } from './install-record.ts';
import { releaseFrozen } from './release-frozen.ts';
import type { ReportStep } from './step.ts';
import { type SystemLayout, UNIT } from './system-layout.ts';
import { askSystemctl, isSystemdRunning, tellSystemctl } from './systemctl.ts';
import { forgetAnchors, removeFromStores } from './trust.ts';

export interface UninstallOptions {
  layout: SystemLayout;
  config: Config;
  /** Stay a member: what proves this device, its store and its configuration are left where they are. */
  keepData: boolean;
}

/**
 * Undoes `raypher install`, and the enrolment: stops the service, thaws what it froze, gives up the identity at the
 * control plane, and removes what was made. What is kept is said.
 *
 * @throws RaypherError `process/permission`, `service/already-running` when somebody runs the service by hand
 */
export async function uninstall(options: UninstallOptions, report: ReportStep): Promise<void> {
  const { layout, config, keepData } = options;
  if (process.geteuid?.() !== 0) {
    throw new RaypherError('process/permission', 'Only root can uninstall a service.', {
      hint: 'Run this with sudo.',
    });
  }
  stopUnit(layout, report);
  const paths = agentPaths(config.dataDir);
  if (existsSync(config.dataDir)) {
    const release = acquireLock(paths.lock);
    try {
      await releaseFrozen(paths.store, report);
      if (!keepData && isEnrolled(paths)) {
        const unheard = await leaveOrganisation(paths, config);
        report(
          unheard === ''
            ? { step: 'leave', state: 'done', detail: 'the control plane knows that this device is gone' }
            : {
                step: 'leave',
                state: 'unavailable',
                detail: `an administrator should revoke this device, the control plane could not be told: ${unheard}`,
              },
        );
      }
    } finally {
      release();
    }
  }
  removeFiles(options, report);
  if (isSystemdRunning()) tellSystemctl('daemon-reload');
  if (existsSync(layout.packageList)) {
    report({ step: 'package', state: 'kept', detail: 'the package itself goes with `apt purge raypher`' });
  }
}

function stopUnit({ wanted }: SystemLayout, report: ReportStep): void {
  const live = isSystemdRunning();
  if (live && askSystemctl('is-active', UNIT) !== undefined) {
    tellSystemctl('stop', UNIT);
    report({ step: 'stop', state: 'done', detail: 'the service is stopped' });
  } else report({ step: 'stop', state: 'unchanged', detail: 'the service was not running' });
  if (lstatSync(wanted, { throwIfNoEntry: false }) === undefined) return;
  if (live) tellSystemctl('disable', UNIT);
  rmSync(wanted, { force: true });
  report({ step: 'enable', state: 'done', detail: 'does not start at boot any more' });
}

function removeFiles({ layout, config, keepData }: UninstallOptions, report: ReportStep): void {
  const record = loadInstallRecord(config.dataDir);
  removeFromStores(record, report);
  for (const [file, { sha256 }] of Object.entries(record.files)) {
    if (!existsSync(file)) continue;
    if (keepData && file === layout.config) {
      report({ step: 'remove', state: 'kept', detail: file });
    } else if (sha256Of(file) === sha256) {
      rmSync(file);
      report({ step: 'remove', state: 'done', detail: file });
    } else {
      report({ step: 'remove', state: 'kept', detail: `${file}: it was changed since it was installed` });
    }
  }
  forgetAnchors(record, report);
  removeEmptyFolder(layout.configFolder);
  if (!existsSync(config.dataDir)) return;
  if (keepData) report({ step: 'remove', state: 'kept', detail: config.dataDir });
  else removeData(config.dataDir, record.madeData, report);
}

/** A folder that was there before us may hold what is not ours: only what we know is removed from it. */
function removeData(dataDir: string, isOurs: boolean, report: ReportStep): void {
  if (isOurs || dataDir === '/var/lib/raypher') rmSync(dataDir, { recursive: true });
  else {
    const ours = [
      ...Object.values(agentPaths(dataDir)).map((path) => topEntry(dataDir, path)),
      'install.json',
    ];
    for (const name of readdirSync(dataDir)) {
      // SQLite keeps its journal beside the store; one that was damaged is set aside under its name.
      if (
        ours.some((known) => name === known || name.startsWith(`${known}-`) || name.startsWith(`${known}.`))
      )
        rmSync(join(dataDir, name), { recursive: true });
    }
    removeEmptyFolder(dataDir);
  }
  if (!existsSync(dataDir)) report({ step: 'remove', state: 'done', detail: dataDir });
  else {
    const left = readdirSync(dataDir).join(', ');
    report({ step: 'remove', state: 'kept', detail: `${dataDir}, with what is not ours: ${left}` });
  }
}

function topEntry(folder: string, path: string): string {
  return path.slice(folder.length + 1).split('/')[0] ?? basename(path);
}

function removeEmptyFolder(path: string): void {
  if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
}
