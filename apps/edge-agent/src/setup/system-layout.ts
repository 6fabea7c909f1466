import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { DEFAULT_CONFIG } from '../config/config.ts';

export const UNIT = 'raypher.service';

/** Where the parts of an installation are, below the root of a system: `/`, or the root of an image. */
export interface SystemLayout {
  root: string;
  /** The unit that we write. */
  unit: string;
  /** The one that a package brings. */
  packagedUnits: readonly string[];
  /** The link that makes the service start at boot. */
  wanted: string;
  configFolder: string;
  config: string;
  /** Where the executable goes when it lies where others could replace it. */
  executable: string;
  /** dpkg's list of the package's files: there while the package is. */
  packageList: string;
  dataDir: string;
  /** This machine's root, for everybody to read. */
  rootCertificate: string;
  /** What programs of every user should trust, where the system has no such file that is kept up to date. */
  bundle: string;
  /** Tells programs of login shells whom to trust. */
  profile: string;
}

export function systemLayout(
  root: string,
  { dataDir }: Pick<Config, 'dataDir'> = DEFAULT_CONFIG,
): SystemLayout {
  const at = (path: string): string => join(root, path);
  return {
    root,
    unit: at(`/etc/systemd/system/${UNIT}`),
    packagedUnits: [at(`/usr/lib/systemd/system/${UNIT}`), at(`/lib/systemd/system/${UNIT}`)],
    wanted: at(`/etc/systemd/system/multi-user.target.wants/${UNIT}`),
    configFolder: at('/etc/raypher'),
    config: at('/etc/raypher/agent.toml'),
    executable: at('/usr/local/bin/raypher'),
    packageList: at('/var/lib/dpkg/info/raypher.list'),
    dataDir: at(dataDir),
    rootCertificate: at('/etc/raypher/root.pem'),
    bundle: at('/etc/raypher/ca-bundle.pem'),
    profile: at('/etc/profile.d/raypher-trust.sh'),
  };
}
