import type { Facts } from './facts.ts';
import { type OcsfObject, present, unlessEmpty } from './ocsf-event.ts';

/** The profile `ai_operation`: which model of which provider, and how many tokens. Both names or none. */
export function aiOperationOf(provider: string, facts: Facts): OcsfObject {
  const model = facts.is('model', 'unknown') ? undefined : facts.text('model');
  const prompt = facts.whole('inputTokens');
  const completion = facts.whole('outputTokens');
  const total = prompt === undefined || completion === undefined ? undefined : prompt + completion;
  return present({
    ai_model: model === undefined ? undefined : { ai_provider: provider, name: model },
    message_context: unlessEmpty(
      present({
        name: provider,
        service: { name: provider },
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: Number.isSafeInteger(total) ? total : undefined,
      }),
    ),
  });
}
