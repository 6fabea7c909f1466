import { type TextUnits, unitTable } from '../match/text-units.ts';

/** Letters and digits in tokens, at least one of them with digits, joined by single separators. */
export interface NumberGroup {
  start: number;
  end: number;
  digits: number;
  letters: number;
}

/** Longer runs are looked at piece by piece: no number of any plan is longer. */
const LONGEST_GROUP = 64;
const OVERLAP = 24;

const OTHER = 0;
const LETTER = 1;
const DIGIT = 2;
const JOINT = 3;
const kinds = unitTable();
for (let code = 48; code < 58; code++) kinds[code] = DIGIT;
for (let code = 65; code < 91; code++) kinds[code] = kinds[code + 32] = LETTER;
for (const joint of ' -./:()+') kinds[joint.charCodeAt(0)] = JOINT;

/** Calls back for every group with at least `leastDigits` digits; linear in the text. */
export function findNumberGroups(
  { units, length }: TextUnits,
  leastDigits: number,
  found: (group: NumberGroup) => void,
): void {
  let index = 0;
  while (index < length) {
    // One comparison per unit: below 48 the difference becomes huge.
    if (((units[index] ?? 0) - 48) >>> 0 > 9) {
      index++;
      continue;
    }
    const group = groupAround(units, length, index);
    if (group.digits >= leastDigits) found(group);
    index = Math.max(index + 1, group.end - group.start >= LONGEST_GROUP ? group.end - OVERLAP : group.end);
  }
}

function groupAround(units: Uint16Array, length: number, digit: number): NumberGroup {
  const kindAt = (index: number): number => (index < length ? (kinds[units[index] ?? 0] ?? OTHER) : OTHER);
  let start = digit;
  while (start > 0 && digit - start < OVERLAP && kindAt(start - 1) === LETTER) start--;
  const furthest = Math.min(length, start + LONGEST_GROUP);
  let digits = 0;
  let letters = digit - start;
  let end = digit;
  for (let index = digit; index < furthest; index++) {
    const kind = kindAt(index);
    if (kind === OTHER) break;
    if (kind === DIGIT) {
      digits++;
      end = index + 1;
    } else if (kind === JOINT && index - end > 4) break;
    else if (kind === LETTER) {
      if (index - end > 8) break;
      letters++;
    }
  }
  while (end < furthest && kindAt(end) === LETTER && end - start < LONGEST_GROUP) end++;
  return { start, end, digits, letters };
}
