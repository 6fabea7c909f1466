/** Letters and digits in tokens, at least one of them with digits, joined by single separators. */
export interface NumberGroup {
  start: number;
  end: number;
  digits: number;
}

/** Longer runs are looked at piece by piece: no number of any plan is longer. */
const LONGEST_GROUP = 64;
const OVERLAP = 24;

const OTHER = 0;
const LETTER = 1;
const DIGIT = 2;
const JOINT = 3;
const kinds = new Uint8Array(128);
for (let code = 48; code < 58; code++) kinds[code] = DIGIT;
for (let code = 65; code < 91; code++) kinds[code] = kinds[code + 32] = LETTER;
for (const joint of ' -./:()+') kinds[joint.charCodeAt(0)] = JOINT;

function kindAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? (kinds[code] ?? OTHER) : OTHER;
}

/** Calls back for every group with at least `leastDigits` digits; linear in the text. */
export function findNumberGroups(
  text: string,
  leastDigits: number,
  found: (group: NumberGroup) => void,
): void {
  let index = 0;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) {
      index++;
      continue;
    }
    const group = groupAround(text, index);
    if (group.digits >= leastDigits) found(group);
    index = Math.max(index + 1, group.end - group.start >= LONGEST_GROUP ? group.end - OVERLAP : group.end);
  }
}

function groupAround(text: string, digit: number): NumberGroup {
  let start = digit;
  while (start > 0 && digit - start < OVERLAP && kindAt(text, start - 1) === LETTER) start--;
  const furthest = Math.min(text.length, start + LONGEST_GROUP);
  let digits = 0;
  let end = digit;
  for (let index = digit; index < furthest; index++) {
    const kind = kindAt(text, index);
    if (kind === OTHER) break;
    if (kind === DIGIT) {
      digits++;
      end = index + 1;
    } else if (kind === JOINT && index - end > 4) break;
    else if (kind === LETTER && index - end > 8) break;
  }
  while (end < furthest && kindAt(text, end) === LETTER && end - start < LONGEST_GROUP) end++;
  return { start, end, digits };
}
