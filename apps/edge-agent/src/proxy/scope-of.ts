import type { PlaceholderScope } from './data-guard.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';

/** Whose placeholders can be put back: of one AI agent, or of one process where there is none. */
export function scopeOf(
  context: Pick<ProxyContext, 'policy' | 'data'>,
  { caller }: Pick<Exchange, 'caller'>,
): PlaceholderScope | undefined {
  if (!context.policy.isReversible) return undefined;
  const { agent, process } = caller;
  if (agent !== undefined && agent !== null) return context.data.scope(`agent ${agent.id}`);
  return process === undefined
    ? undefined
    : context.data.scope(`process ${process.pid} ${process.startTime}`);
}
