/** Changes when the way of finding changes although the detectors do not. */
const ENGINE = 1;

/** A fingerprint of everything that decides about findings; expressions and functions count by their source. */
export function versionOf(parts: unknown): string {
  const text = JSON.stringify([ENGINE, parts], (_, value: unknown) =>
    value instanceof RegExp || typeof value === 'function' ? String(value) : value,
  );
  return `${fnv1a(text, 0x811c9dc5)}${fnv1a(text, 0x01000193)}`;
}

/** FNV-1a, 32 bits, hex: for telling versions apart, not against forgers. */
function fnv1a(text: string, seed: number): string {
  let hash = seed;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
