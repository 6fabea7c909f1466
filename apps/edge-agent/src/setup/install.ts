import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { isSea } from 'node:sea';
import { RaypherError } from '@raypher/shared';
import { configTemplate } from '../config/config-template.ts';
import { requireInside } from './inside-root.ts';
import { loadInstallRecord, saveInstallRecord, sha256Of } from './install-record.ts';
import type { ReportStep } from './step.ts';
import { type SystemLayout, UNIT } from './system-layout.ts';
import { askSystemctl, isSystemdRunning, tellSystemctl } from './systemctl.ts';
import { whyReplaceable } from './trusted-path.ts';
import { unitText } from './unit-text.ts';

export interface InstallOptions {
  layout: SystemLayout;
  /** The data folder as the running system will see it. */
  dataDir: string;
  start: boolean;
}

/**
 * Makes the agent a service of this system, or of an image below another root, which is then not started. A second
 * run changes nothing; a run that was interrupted is completed.
 *
 * @throws RaypherError `process/permission`, `platform/unsupported`, `service/not-running` when it does not start
 */
export function install({ layout, dataDir, start }: InstallOptions, report: ReportStep): void {
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'Installing as a service works on Linux with systemd.', {
      hint: 'apps/edge-agent/packaging has definitions for launchd and Windows that are not exercised yet.',
    });
  }
  if (process.geteuid?.() !== 0) {
    throw new RaypherError('process/permission', 'Only root can install a service.', {
      hint: 'Run this with sudo.',
    });
  }
  const isImage = layout.root !== '/';
  const { root, unit, config, executable, wanted } = layout;
  for (const path of [layout.dataDir, unit, config, executable]) requireInside(root, path);
  // The last part of this one is a link that we make.
  requireInside(root, dirname(wanted));
  const madeData = !existsSync(layout.dataDir);
  mkdirSync(layout.dataDir, { recursive: true, mode: 0o700 });
  const closed = (lstatSync(layout.dataDir).mode & 0o077) === 0;
  if (!closed) chmodSync(layout.dataDir, 0o700);
  report({
    step: 'data',
    state: madeData || !closed ? 'done' : 'unchanged',
    detail: `${dataDir}, mode 0700`,
  });

  const record = loadInstallRecord(layout.dataDir);
  record.madeData ||= madeData;
  const made = (file: string): void => {
    record.files[join('/', relative(layout.root, file))] = { sha256: sha256Of(file) };
    saveInstallRecord(layout.dataDir, record);
  };

  const before = Object.keys(record.files).length === 0 ? undefined : JSON.stringify(record.files);
  const command = placeExecutable(layout, report, made);
  const unitChanged = placeUnit(layout, command, dataDir, report, made);
  // What runs is not what was installed just now.
  const isStale = unitChanged || (before !== undefined && before !== JSON.stringify(record.files));
  placeConfig(layout, report, made);
  saveInstallRecord(layout.dataDir, record);

  const live = !isImage && isSystemdRunning();
  if (live && unitChanged) tellSystemctl('daemon-reload');
  enable(layout, live, report);
  if (isImage || !start) {
    report({ step: 'start', state: 'unchanged', detail: isImage ? 'not in an image' : 'not asked for' });
  } else if (live) startUnit(isStale, report);
  else {
    report({ step: 'start', state: 'unavailable', detail: 'systemd does not run this system' });
    throw new RaypherError('service/not-running', 'Installed, but systemd does not run here to start it.', {
      hint: 'It starts with the next boot under systemd. Until then: `raypher service`.',
    });
  }
}

/** @returns the command of the service */
function placeExecutable(layout: SystemLayout, report: ReportStep, made: (file: string) => void): string[] {
  const self = realpathSync(process.execPath);
  if (!isSea()) {
    const script = realpathSync(process.argv[1] ?? '');
    const why = whyReplaceable(self, 'permanent') ?? whyReplaceable(script, 'permanent');
    if (why !== undefined || layout.root !== '/') {
      throw new RaypherError(
        'config/invalid',
        `This agent runs from a folder of sources: ${why ?? script}.`,
        {
          hint: 'Build the one executable with `npm run package` and run its `install`.',
        },
      );
    }
    report({ step: 'executable', state: 'unchanged', detail: script });
    return [self, script, 'service'];
  }
  const packaged = join(layout.root, '/usr/bin/raypher');
  const isPackaged = existsSync(layout.packageList) && existsSync(packaged);
  if (isPackaged || (layout.root === '/' && whyReplaceable(self, 'permanent') === undefined)) {
    const detail = isPackaged ? '/usr/bin/raypher' : self;
    report({ step: 'executable', state: 'unchanged', detail });
    return [detail, 'service'];
  }
  const inside = join('/', relative(layout.root, layout.executable));
  if (existsSync(layout.executable) && sha256Of(layout.executable) === sha256Of(self)) {
    report({ step: 'executable', state: 'unchanged', detail: inside });
  } else {
    mkdirSync(dirname(layout.executable), { recursive: true });
    // Renamed into place: a running program cannot be written over, and half a program is none.
    copyFileSync(self, `${layout.executable}.part`);
    chmodSync(`${layout.executable}.part`, 0o755);
    renameSync(`${layout.executable}.part`, layout.executable);
    made(layout.executable);
    report({ step: 'executable', state: 'done', detail: `copied to ${inside}` });
  }
  return [inside, 'service'];
}

/** @returns whether systemd has to read it again */
function placeUnit(
  layout: SystemLayout,
  command: readonly string[],
  dataDir: string,
  report: ReportStep,
  made: (file: string) => void,
): boolean {
  const wanted = unitText(command, dataDir);
  const packaged = layout.packagedUnits.find((file) => existsSync(file));
  const isSame = (file: string): boolean => existsSync(file) && readFileSync(file, 'utf8') === wanted;
  if (isSame(layout.unit) || (packaged !== undefined && !existsSync(layout.unit) && isSame(packaged))) {
    report({
      step: 'unit',
      state: 'unchanged',
      detail: existsSync(layout.unit) ? layout.unit : (packaged ?? ''),
    });
    return false;
  }
  mkdirSync(dirname(layout.unit), { recursive: true });
  writeFileSync(layout.unit, wanted);
  chmodSync(layout.unit, 0o644);
  made(layout.unit);
  report({ step: 'unit', state: 'done', detail: layout.unit });
  return true;
}

function placeConfig(layout: SystemLayout, report: ReportStep, made: (file: string) => void): void {
  if (existsSync(layout.config)) {
    report({ step: 'config', state: 'unchanged', detail: layout.config });
    return;
  }
  mkdirSync(layout.configFolder, { recursive: true });
  writeFileSync(layout.config, configTemplate());
  // Whatever the umask is: nothing in them is a secret, and people should be able to read them.
  chmodSync(layout.configFolder, 0o755);
  chmodSync(layout.config, 0o644);
  made(layout.config);
  report({ step: 'config', state: 'done', detail: `${layout.config}, everything in it is a comment` });
}

function enable(layout: SystemLayout, live: boolean, report: ReportStep): void {
  const isLinked = lstatSync(layout.wanted, { throwIfNoEntry: false }) !== undefined;
  if (live ? askSystemctl('is-enabled', UNIT) === 'enabled' : isLinked) {
    report({ step: 'enable', state: 'unchanged', detail: 'starts at boot' });
    return;
  }
  if (live) tellSystemctl('enable', UNIT);
  else {
    const unit = [layout.unit, ...layout.packagedUnits].find((file) => existsSync(file)) ?? layout.unit;
    mkdirSync(dirname(layout.wanted), { recursive: true });
    symlinkSync(join('/', relative(layout.root, unit)), layout.wanted);
  }
  report({ step: 'enable', state: 'done', detail: 'starts at boot' });
}

/** systemctl waits for READY=1: when it returns, what was in force is in force. */
function startUnit(isStale: boolean, report: ReportStep): void {
  const isRunning = askSystemctl('is-active', UNIT) === 'active';
  if (isRunning && !isStale) {
    report({ step: 'start', state: 'unchanged', detail: 'running' });
    return;
  }
  tellSystemctl(isRunning ? 'restart' : 'start', UNIT);
  report({ step: 'start', state: 'done', detail: isRunning ? 'started again' : 'started' });
}
