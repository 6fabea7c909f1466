import type { ArtefactFacts, Draft } from '../artefact-facts.ts';
import { joinScript, LINUX } from './unix-script.ts';

const NO_PACKAGE =
  'This control plane serves no .deb package; the script ends with exit code 11. Make one with `npm run package`.';

const limitationOf = ({ packages }: ArtefactFacts) =>
  packages.some(({ format }) => format === 'deb') ? null : NO_PACKAGE;

export function shellScript(facts: ArtefactFacts): Draft {
  return {
    filename: 'raypher-join.sh',
    mediaType: 'application/x-sh',
    content: joinScript(facts, LINUX),
    steps: [
      'Copy the file to a Debian or Ubuntu machine in a way that keeps it secret, for example with scp.',
      'Run it: sudo sh raypher-join.sh. It needs curl and sha256sum, and reaches the address of this control plane.',
      'Delete the file; the token in it works until it is used up, expires or is revoked.',
    ],
    limitation: limitationOf(facts),
  };
}

/** JSON strings are YAML strings, whatever is in them (YAML 1.2 §1.3). */
export function cloudInit(facts: ArtefactFacts): Draft {
  const path = '/run/raypher-join.sh';
  return {
    filename: 'raypher-cloud-init.yaml',
    mediaType: 'text/cloud-config',
    content: `#cloud-config
write_files:
  - path: ${path}
    owner: root:root
    permissions: '0600'
    content: ${JSON.stringify(joinScript(facts, LINUX))}
runcmd:
  - [sh, ${path}]
  - [rm, -f, ${path}]
`,
    steps: [
      'Give the file to new Debian or Ubuntu machines as user data.',
      'Every program on the machine may be able to read user data from the metadata service: use a token with as few uses and as short a life as the roll-out allows, and revoke it afterwards.',
    ],
    limitation: limitationOf(facts),
  };
}

export function intuneLinuxInstall(facts: ArtefactFacts): Draft {
  return {
    filename: 'raypher-intune-linux-install.sh',
    mediaType: 'application/x-sh',
    content: joinScript(facts, LINUX),
    steps: [
      'In the Intune admin centre: Devices → Linux → Scripts → Add.',
      'Execution context: Root. Execution frequency: every day. Execution retries: 3. Paste the script.',
      'Assign it to the group of machines. It changes nothing on machines that are devices already.',
    ],
    limitation: limitationOf(facts),
  };
}

/** Intune wants one line of JSON on standard output, whose names the compliance rules name. */
export function intuneLinuxDetect(): Draft {
  return {
    filename: 'raypher-intune-linux-detect.sh',
    mediaType: 'application/x-sh',
    content: `#!/bin/bash
# Says whether the Raypher agent runs. Holds nothing secret and changes nothing.
set -u
installed=false
running=false
command -v raypher >/dev/null 2>&1 && installed=true
systemctl is-active --quiet raypher.service 2>/dev/null && running=true
printf '{"RaypherInstalled": %s, "RaypherRunning": %s}\\n' "$installed" "$running"
`,
    steps: [
      'In the Intune admin centre: Devices → Compliance → Scripts → Add → Linux; paste the script as discovery script.',
      'Create a Linux compliance policy with custom compliance, choose this script, and upload rules that want RaypherInstalled and RaypherRunning to be true (DataType Boolean, Operator IsEquals).',
    ],
    limitation: null,
  };
}
