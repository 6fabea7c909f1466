import type { CacheLimits } from '../cache/decision-cache.ts';
import type { PermitLimits } from '../permit/permit-authority.ts';
import type { PromptLimits } from '../prompt/pending-prompts.ts';
import type { ReplayLimits } from '../replay/replay-detector.ts';

export interface GateLimits {
  readonly cache: CacheLimits;
  readonly permits: PermitLimits;
  /** Memory for nonces of permits; its window follows from their lifetime. */
  readonly permitNonces: Omit<ReplayLimits, 'window'>;
  readonly callerNonces: ReplayLimits;
  readonly prompts: PromptLimits;
}

/** Times in milliseconds. A remembered nonce takes about 250 bytes. */
export const DEFAULT_LIMITS: GateLimits = {
  cache: { capacity: 4_096, ttl: 5_000 },
  permits: { lifetime: 30_000, maxLifetime: 300_000, skew: 0, maxUses: 100 },
  permitNonces: { capacity: 65_536, perOwner: 32_768 },
  callerNonces: { capacity: 16_384, perOwner: 4_096, window: 300_000 },
  prompts: { capacity: 1_024, perUser: 64, keep: 300_000 },
};
