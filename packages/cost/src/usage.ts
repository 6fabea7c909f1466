import type { Micros } from './micros.ts';
import type { Surcharge } from './surcharge.ts';
import type { Tokens } from './token-class.ts';

/** What one call used. */
export interface Usage {
  readonly tokens: Tokens;
  /** Searches of the web that the provider made and charges for each. */
  readonly searches: number;
  /** `true` when some of the numbers were not reported and are our own estimate, which is reckoned high. */
  readonly estimated: boolean;
  /** The model that answered, as the provider names it; undefined when it did not. */
  readonly model: string | undefined;
  /** What the provider says the call cost; OpenRouter does. */
  readonly reportedMicros: Micros | undefined;
  readonly surcharges: readonly Surcharge[];
}
