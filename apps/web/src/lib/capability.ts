/**
 * A capability's name for people. Agents name capabilities in dots and dashes; newer agents may know
 * some that this page does not, so the name is derived and only abbreviations are looked up.
 *
 * @example capabilityLabel('network.proxy') // "Network proxy"
 */
export function capabilityLabel(capability: string): string {
  const words = capability.split(/[.\-_]/).map((word) => ABBREVIATIONS[word] ?? word);
  const text = words.join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const ABBREVIATIONS: Record<string, string> = {
  ai: 'AI',
  bpf: 'BPF',
  lsm: 'LSM',
  tls: 'TLS',
  dlp: 'DLP',
  tpm: 'TPM',
  cgroup: 'cgroup',
};
