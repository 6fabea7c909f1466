import { type Config, DEFAULT_CONFIG } from '../../config/config.ts';
import type { ServiceStatus } from '../../service/service-status.ts';
import { type Check, type Finding, failed, ok, runCheck } from './check.ts';
import { controlPlaneChecks } from './control-plane-checks.ts';
import { identityChecks } from './identity-checks.ts';
import { machineChecks } from './machine-checks.ts';
import { serviceChecks } from './service-checks.ts';

export type Diagnosis = Finding & { name: string };

/**
 * Looks at everything the agent depends on. Never throws: what goes wrong is a finding.
 *
 * @param readConfig a configuration that cannot be read is the first finding, and the defaults stand in for it
 * @param askStatus undefined when no service answers
 */
export async function diagnose(
  readConfig: () => Config,
  askStatus: (config: Config) => Promise<ServiceStatus | undefined>,
): Promise<Diagnosis[]> {
  let config = DEFAULT_CONFIG;
  let configuration: Finding;
  try {
    config = readConfig();
    configuration = ok('every key is known and valid');
  } catch (error) {
    configuration = failed(error);
  }
  const status = await askStatus(config).catch(() => undefined);
  const checks: Check[] = [
    ...machineChecks(config, status !== undefined),
    ...identityChecks(config),
    ...controlPlaneChecks(config),
    ...serviceChecks(config, status),
  ];
  return [{ name: 'configuration', ...configuration }, ...(await Promise.all(checks.map(runCheck)))];
}
