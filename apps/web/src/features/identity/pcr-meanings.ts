/**
 * What the firmware and the boot loader measure into each register, in short.
 *
 * @see TCG PC Client Platform Firmware Profile §3.3.4
 */
const MEANINGS: Record<number, string> = {
  0: 'Firmware code',
  1: 'Firmware settings',
  2: 'Code of add-in cards',
  3: 'Settings of add-in cards',
  4: 'Boot loader and boot attempts',
  5: 'Boot loader settings, partition table',
  6: 'Host platform, maker’s own',
  7: 'Secure Boot state and keys',
};

/** @example pcrMeaning(7) // "Secure Boot state and keys" */
export function pcrMeaning(pcr: number): string {
  return MEANINGS[pcr] ?? 'Operating system’s own';
}

const UNTOUCHED = /^(?:0{64}|f{64})$/;

/** A register that nothing was measured into since the reset. */
export function isUntouched(value: string): boolean {
  return UNTOUCHED.test(value);
}
