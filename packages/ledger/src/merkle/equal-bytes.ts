/** Whether both hold the same bytes. Takes no care of time: nothing here is secret. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  // A loop: a callback for each byte costs more than to hash them.
  for (let at = 0; at < left.length; at += 1) if (left[at] !== right[at]) return false;
  return true;
}
