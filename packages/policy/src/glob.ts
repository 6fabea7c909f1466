/**
 * Compiles a glob in which `*` stands for any run of characters, including none; everything else is literal.
 * Each piece between stars is searched once, from left to right, without going back, so that no pattern can
 * make matching slow.
 *
 * @example compileGlob('gpt-4*')('gpt-4o-mini') // true
 */
export function compileGlob(pattern: string): (value: string) => boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return (value) => value === pattern;
  const last = pieces[pieces.length - 1] ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (value) => {
    if (value.length < first.length + last.length) return false;
    if (!value.startsWith(first) || !value.endsWith(last)) return false;
    const end = value.length - last.length;
    let from = first.length;
    for (const piece of middle) {
      const at = value.indexOf(piece, from);
      if (at === -1 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}
