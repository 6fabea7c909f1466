/**
 * How well an entry of the palette fits what is typed: 0 hides it. Every word that is typed has to begin a word of the
 * entry, or be somewhere in its name; what begins the name itself comes first, so that Enter never opens a stranger.
 *
 * @example paletteScore('Spend', 'spe', ['cost', 'money']) // 1
 * @example paletteScore('Approve waiting devices', 'spe', ['pending']) // 0
 */
export function paletteScore(name: string, typed: string, words: readonly string[] = []): number {
  const own = name.toLowerCase();
  const search = typed.trim().toLowerCase();
  if (own.startsWith(search)) return 1;
  const all = [...own.split(/\s+/), ...words.map((word) => word.toLowerCase())];
  const fits = search
    .split(/\s+/)
    .every((part) => own.includes(part) || all.some((word) => word.startsWith(part)));
  return fits ? 0.5 : 0;
}
