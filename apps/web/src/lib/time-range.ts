/** Ranges offered; a link may carry any start. Milliseconds. */
export const RANGES = [
  { value: '', label: 'All time', span: 0 },
  { value: '15m', label: 'Last 15 min', span: 15 * 60_000 },
  { value: '1h', label: 'Last hour', span: 3_600_000 },
  { value: '24h', label: 'Last 24 h', span: 86_400_000 },
  { value: '7d', label: 'Last 7 days', span: 7 * 86_400_000 },
];

/** The start of an offered range as a moment, to the minute so that a reload asks the same. */
export function startOf(value: string, now: number): string | null {
  const span = RANGES.find((range) => range.value === value)?.span ?? 0;
  if (span === 0) return null;
  return new Date(Math.floor((now - span) / 60_000) * 60_000).toISOString();
}

/** Which offered range a start belongs to: the one it was chosen from a moment ago, else `custom`. */
export function rangeOf(from: string, now: number): string {
  if (from === '') return '';
  const age = now - Date.parse(from);
  const match = RANGES.find(({ span }) => span > 0 && age >= span && age < span + 5 * 60_000);
  return match?.value ?? 'custom';
}
