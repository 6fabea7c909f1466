import { SecretName } from '@raypher/shared/rest';
import { MAX_VALUE_BYTES } from '@raypher/vault';

/** What is wrong with the name of a key; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return undefined;
  return SecretName.safeParse(name).success
    ? undefined
    : 'Letters, digits, dot, underscore and hyphen, at most 64; it starts with a letter or a digit.';
}

/** What is wrong with a pasted key; undefined when nothing is. The sentence never holds the key. */
export function valueProblem(value: string, isForAnyApi = false): string | undefined {
  if (value === '') return undefined;
  if (value.trim() !== value) return 'It begins or ends with a space or a line break.';
  // A key becomes the value of an HTTP header (RFC 9110 §5.5).
  if (!/^[\x21-\x7e]+$/.test(value)) return 'It holds characters that no API key has.';
  // Where an answer repeats it the device masks it, which it cannot do for what is found in any text.
  if (isForAnyApi && value.length < 8) return 'It is shorter than 8 characters.';
  return value.length > MAX_VALUE_BYTES ? 'It is longer than 8 KiB.' : undefined;
}
