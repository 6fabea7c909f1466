import { parseVerifierKey, type VerifierKey } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';

/** Somebody who cosigns checkpoints that continue the ones it saw (c2sp.org/tlog-witness). */
export interface Witness {
  key: VerifierKey;
  /** Submission prefix, without a slash at its end. */
  url: string;
}

/**
 * Reads a list of witnesses as c2sp.org/tlog-policy writes it: one `witness NAME VKEY URL` in a line. Empty lines and
 * lines that begin with `#` mean nothing.
 *
 * @throws RaypherError `config/invalid` naming the line
 */
export function parseWitnesses(text: string): Witness[] {
  return text.split('\n').flatMap((line, at) => {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#') === true) return [];
    const [word, name, vkey = '', url = '', ...rest] = words;
    if (word !== 'witness' || name === undefined || rest.length > 0) {
      throw invalid(at, 'it is not: witness NAME VKEY URL');
    }
    const key = parseKey(vkey, at);
    if (key.type !== 'cosignature') throw invalid(at, 'its key is not one of a witness (type 0x04)');
    const target = URL.parse(url);
    if (
      target === null ||
      !/^https?:$/.test(target.protocol) ||
      target.username !== '' ||
      target.search !== ''
    ) {
      throw invalid(at, 'its address is no plain http or https URL');
    }
    return [{ key, url: target.href.replace(/\/$/, '') }];
  });
}

function parseKey(vkey: string, at: number): VerifierKey {
  try {
    return parseVerifierKey(vkey);
  } catch {
    throw invalid(at, 'its key cannot be read');
  }
}

function invalid(at: number, why: string): RaypherError {
  return new RaypherError(
    'config/invalid',
    `Line ${at + 1} of the list of witnesses cannot be used: ${why}.`,
    {
      hint: 'One line for each: witness NAME VKEY URL, as c2sp.org/tlog-policy has it.',
    },
  );
}
