/**
 * A capability's name for people. Agents name capabilities in dots and dashes; newer agents may know
 * some that this page does not, whose names are derived.
 *
 * @example capabilityLabel('network.interception') // "Reading TLS"
 * @example capabilityLabel('network.dns') // "Network dns"
 */
export function capabilityLabel(capability: string): string {
  const known = NAMES[capability];
  if (known !== undefined) return known;
  const words = capability.split(/[.\-_]/).map((word) => ABBREVIATIONS[word] ?? word);
  const text = words.join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const NAMES: Record<string, string> = {
  'network.proxy': 'Network proxy',
  'network.interception': 'Reading TLS',
  'network.caller': 'Caller lookup',
  'kernel.files': 'Files, in the kernel',
  'kernel.programs': 'Programs, in the kernel',
  'kernel.network': 'Connections, in the kernel',
  'kernel.redirect': 'Leading connections to the proxy',
  'kernel.names': 'Looking up names',
  'kernel.self': 'Protecting the agent itself',
  'launcher.files': 'Files and programs, by raypher run',
  gate: 'Action gate',
  'dlp.recogniser': 'Names of people in texts',
  'freeze.cgroup': 'Freezing processes',
};

const ABBREVIATIONS: Record<string, string> = {
  ai: 'AI',
  bpf: 'BPF',
  lsm: 'LSM',
  tls: 'TLS',
  dlp: 'DLP',
  tpm: 'TPM',
  cgroup: 'cgroup',
};
