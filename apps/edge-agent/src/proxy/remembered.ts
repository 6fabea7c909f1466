/**
 * Remembers what a pure function says of short texts that nearly every call repeats.
 *
 * @param most texts that are remembered; with more, all are forgotten
 */
export function remembered<Answer extends {}>(
  most: number,
  find: (text: string) => Answer,
): (text: string) => Answer {
  const known = new Map<string, Answer>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    const found = find(text);
    if (text.length > LONGEST) return found;
    if (known.size >= most) known.clear();
    known.set(text, found);
    return found;
  };
}

/** Characters; what is longer is not what every call repeats. */
const LONGEST = 256;
