import type { Spend } from '@raypher/shared/rest';

const HEAD = [
  'key',
  'name',
  'simulated',
  'calls',
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'exact_usd',
  'estimated_usd',
  'calls_of_unknown_cost',
];

/** A breakdown as RFC 4180 has it. Cells that a spreadsheet would run as a formula are kept from that. */
export function toCsv({ rows }: Pick<Spend, 'rows'>): string {
  const lines = rows.map((row) => [
    row.key,
    row.name,
    row.simulated ? 'yes' : 'no',
    row.calls,
    row.inputTokens,
    row.outputTokens,
    row.cachedTokens,
    dollars(row.exactMicros),
    dollars(row.estimatedMicros),
    row.unknownCalls,
  ]);
  return [HEAD, ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

function dollars(micros: number): string {
  return (micros / 1e6).toFixed(6);
}

function cell(value: string | number): string {
  const text = String(value);
  // OWASP "CSV Injection": a leading quote mark makes text of what would be a formula.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
