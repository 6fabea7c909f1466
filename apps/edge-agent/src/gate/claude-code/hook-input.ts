import { z } from 'zod';

const common = {
  session_id: z.string().optional(),
  cwd: z.string().default(process.cwd()),
};
const tool = {
  ...common,
  tool_name: z.string().min(1),
  tool_input: z.record(z.string(), z.unknown()).default({}),
};

/** What Claude Code hands to a hook on its standard input, as far as it is used; the rest is let through. */
export const HookInput = z.discriminatedUnion('hook_event_name', [
  z.object({ ...tool, hook_event_name: z.literal('PreToolUse') }),
  z.object({ ...tool, hook_event_name: z.literal('PostToolUse'), tool_response: z.unknown() }),
  z.object({ ...common, hook_event_name: z.literal('UserPromptSubmit'), prompt: z.string() }),
]);
export type HookInput = z.infer<typeof HookInput>;
export type ToolUse = Extract<HookInput, { hook_event_name: 'PreToolUse' }>;
