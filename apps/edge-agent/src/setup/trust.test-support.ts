import { DEFAULT_CONFIG } from '../config/config.ts';
import { loadInstallRecord } from './install-record.ts';
import type { Step } from './step.ts';
import { systemLayout } from './system-layout.ts';
import { installTrust } from './trust.ts';
import { uninstall } from './uninstall.ts';

const dataDir = `${process.env.WORK}/data`;
const layout = systemLayout('/', { dataDir });

/** What `raypher setup` does about trust. */
export function installed(certificate: string): void {
  const isAgain = Object.keys(loadInstallRecord(dataDir).files).length > 0;
  const steps: Step[] = [];
  installTrust(layout, certificate, (step) => steps.push(step));
  const states = new Set(steps.map(({ state }) => state));
  process.stderr.write(`${JSON.stringify(steps)}\n`);
  process.stdout.write(isAgain ? `again: ${[...states].join(', ')}\n` : '');
}

/** What `raypher uninstall` does. */
export async function removed(): Promise<void> {
  const config = { ...DEFAULT_CONFIG, dataDir };
  await uninstall({ layout, config, keepData: true }, (step) =>
    process.stderr.write(`${JSON.stringify(step)}\n`),
  );
}
