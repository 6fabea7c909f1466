import { createHash } from 'node:crypto';
import type { ArtefactFacts, Draft } from '../artefact-facts.ts';
import { xmlText } from '../quoting.ts';
import { joinScript, MACOS } from './unix-script.ts';

const limitationOf = ({ packages }: ArtefactFacts) =>
  packages.some(({ format }) => format === 'pkg')
    ? 'The script was not run on macOS yet.'
    : 'There is no macOS package of the agent here; the script says so and ends with exit code 11. It was not run on macOS yet.';

/** Jamf gives a script the mount point, computer and user as $1 to $3; from $4 on they are the administrator's. */
const JAMF_PARAMETERS = `identity=\${4:-auto}
case "$identity" in
  auto|tpm|software) ;;
  *) fail 'Parameter 4 is auto, tpm or software.' 2 ;;
esac
`;

export function jamfScript(facts: ArtefactFacts): Draft {
  return {
    filename: 'raypher-jamf.sh',
    mediaType: 'application/x-sh',
    content: joinScript(facts, MACOS, JAMF_PARAMETERS, ' --identity "$identity"'),
    steps: [
      'In Jamf Pro: Settings → Computer management → Scripts → New; paste the script. Under Options label parameter 4 "Identity (auto, tpm or software)".',
      'Create a policy with the trigger Recurring Check-in, frequency Once per computer, add the script, and scope it.',
      'The token is in the script and not in a parameter, because every account of a machine can read parameters.',
    ],
    limitation: limitationOf(facts),
  };
}

export function kandjiAudit(): Draft {
  return {
    filename: 'raypher-kandji-audit.sh',
    mediaType: 'application/x-sh',
    content: `#!/bin/sh
# Says whether the Raypher agent runs: with any other code than 0 the remediation script is run. Holds nothing secret.
set -u
if launchctl print system/com.raypher.agent >/dev/null 2>&1; then
  echo 'The Raypher agent runs.'
  exit 0
fi
echo 'The Raypher agent does not run.'
exit 1
`,
    steps: [
      'In Kandji (Iru): Library → Add New → Custom Script. Execution frequency: Run every 15 min. Paste this as audit script.',
      'Paste the install script offered beside it as remediation script, and assign the item to a Blueprint.',
    ],
    limitation: 'The script was not run on macOS yet.',
  };
}

export function kandjiInstall(facts: ArtefactFacts): Draft {
  return {
    filename: 'raypher-kandji-install.sh',
    mediaType: 'application/x-sh',
    content: joinScript(facts, MACOS),
    steps: ['In Kandji (Iru): in the Custom Script with the audit script, paste this as remediation script.'],
    limitation: limitationOf(facts),
  };
}

/** The token is not in it: every account of a machine can read managed preferences. */
export function jamfProfile(facts: Pick<ArtefactFacts, 'server' | 'organisation' | 'rootPem'>): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadContent</key>
      <dict>
        <key>com.raypher.agent</key>
        <dict>
          <key>Forced</key>
          <array>
            <dict>
              <key>mcx_preference_settings</key>
              <dict>
                <key>Server</key>
                <string>${xmlText(facts.server)}</string>
                <key>Organisation</key>
                <string>${xmlText(facts.organisation)}</string>
              </dict>
            </dict>
          </array>
        </dict>
      </dict>
      <key>PayloadDisplayName</key>
      <string>Raypher agent</string>
      <key>PayloadIdentifier</key>
      <string>com.raypher.agent.settings</string>
      <key>PayloadType</key>
      <string>com.apple.ManagedClient.preferences</string>
      <key>PayloadUUID</key>
      <string>${uuidOf('settings', facts.rootPem)}</string>
      <key>PayloadVersion</key>
      <integer>1</integer>
    </dict>
  </array>
  <key>PayloadDisplayName</key>
  <string>Raypher</string>
  <key>PayloadIdentifier</key>
  <string>com.raypher.agent</string>
  <key>PayloadOrganization</key>
  <string>${xmlText(facts.organisation)}</string>
  <key>PayloadScope</key>
  <string>System</string>
  <key>PayloadType</key>
  <string>Configuration</string>
  <key>PayloadUUID</key>
  <string>${uuidOf('profile', facts.rootPem)}</string>
  <key>PayloadVersion</key>
  <integer>1</integer>
</dict>
</plist>
`;
}

/** The same for an installation each time, so that a second upload replaces the first (RFC 9562 §5.8). */
function uuidOf(part: string, rootPem: string): string {
  const hex = createHash('sha256').update(`raypher/profile/${part}\n${rootPem}`).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) % 4);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
