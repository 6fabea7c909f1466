import { type ActionRequest, CanonicalError, denialText, parseJsonWithFault } from '@raypher/gate';
import { GateCallError, type GateClient, type GateResult } from '@raypher/gate/client';
import { RaypherError } from '@raypher/shared/errors';
import { dataAction, inspectJson } from '../data-actions.ts';
import type { OpenedGate } from '../open-gate.ts';
import { HookInput, type ToolUse } from './hook-input.ts';
import { toolActions } from './tool-actions.ts';

type Answer = Pick<
  GateResult<'gate_check'>,
  'verdict' | 'rule' | 'reason' | 'revision' | 'source' | 'message'
>;

/** Whom Claude Code's prompts and results go to. */
const MODEL_HOST = 'api.anthropic.com:443';

/** What is printed for Claude Code; undefined: nothing, and its own rules decide. */
export type HookOutput = Readonly<Record<string, unknown>> | undefined;

export interface HookOptions {
  open: () => Promise<OpenedGate>;
  /** How long a person may think about it, milliseconds. */
  waitMs: number;
}

/**
 * Answers one call of Claude Code's hooks. An ALLOW of the policy is no answer: Claude Code's own permissions go on
 * to decide, and are not skipped. Only what a person has just allowed is allowed.
 *
 * @param text what came on standard input
 * @throws RaypherError, and whatever else: the caller blocks then
 */
export async function answerHook(text: string, options: HookOptions): Promise<HookOutput> {
  const input = readInput(text);
  if (input === undefined) return undefined;
  switch (input.hook_event_name) {
    case 'PreToolUse':
      return preToolUse(await decide(toolActions(input), options), input);
    case 'UserPromptSubmit': {
      const answer = await decideData('out', JSON.stringify(input.prompt), options);
      return answer === undefined ? undefined : { decision: 'block', reason: answer };
    }
    case 'PostToolUse': {
      const answer = await decideData('in', JSON.stringify(input.tool_response ?? null), options);
      return answer === undefined ? undefined : { decision: 'block', reason: answer };
    }
  }
}

/** Undefined for an event that is none of ours. */
function readInput(text: string): HookInput | undefined {
  const { value, fault } = parseJsonWithFault(text);
  const event: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'hook_event_name') : '';
  const known: string[] = HookInput.options.map((option) => option.shape.hook_event_name.value);
  if (typeof event === 'string' && event !== '' && !known.includes(event)) return undefined;
  // What two readers could take for different things is not decided about.
  if (fault !== undefined && event === 'PreToolUse') throw fault;
  const parsed = HookInput.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RaypherError('request/invalid', 'This is not what Claude Code hands to a hook.', {
    hint: 'raypher hook claude-code --install writes the settings; Claude Code calls it.',
  });
}

/** The strictest answer to all that is about to happen. */
async function decide(actions: readonly ActionRequest[], { open, waitMs }: HookOptions): Promise<Answer> {
  const opened = await open();
  if (!('gate' in opened)) return absent(opened);
  using gate = opened.gate;
  const answers = await Promise.all(actions.map((action) => check(gate, action, waitMs)));
  return (
    answers.find(({ verdict }) => verdict === 'DENY') ??
    answers.find(({ verdict }) => verdict === 'PROMPT') ??
    answers.find(({ source }) => source === 'approval') ??
    answers[0] ?? {
      verdict: 'DENY',
      rule: 'hook/nothing-known',
      reason: 'Nothing is known about it.',
      revision: 0,
      source: 'gate',
    }
  );
}

async function check(gate: GateClient, action: ActionRequest, waitMs: number): Promise<Answer> {
  try {
    return await gate.check(action, waitMs > 0 ? { waitMs } : {});
  } catch (error) {
    // The gate is there, and cannot tell what it is asked about: it would have denied.
    if (!(error instanceof CanonicalError || error instanceof GateCallError)) throw error;
    return {
      verdict: 'DENY',
      rule: 'gate/not-canonical',
      reason: error.message,
      revision: 0,
      source: 'gate',
    };
  }
}

function preToolUse(answer: Answer, { tool_name: tool }: ToolUse): HookOutput {
  if (answer.verdict === 'ALLOW' && answer.source !== 'approval') return undefined;
  const isAllowed = answer.verdict === 'ALLOW';
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: isAllowed ? 'allow' : 'deny',
      permissionDecisionReason: isAllowed
        ? `Raypher: ${answer.reason}`
        : `${tool}: ${answer.message ?? denialText(answer)}`,
    },
  };
}

/** @returns why not; hooks cannot replace anything, so what would have to be replaced does not pass */
async function decideData(
  direction: 'in' | 'out',
  json: string,
  options: HookOptions,
): Promise<string | undefined> {
  const action = dataAction(direction, MODEL_HOST, inspectJson(json));
  if (action === undefined) return undefined;
  const opened = await options.open();
  if (!('gate' in opened)) {
    const answer = absent(opened);
    return answer.verdict === 'ALLOW' ? undefined : denialText(answer);
  }
  using gate = opened.gate;
  const answer = await gate.check(action, options.waitMs > 0 ? { waitMs: options.waitMs } : {});
  if (answer.verdict !== 'ALLOW') return answer.message ?? denialText(answer);
  if (answer.redact === undefined) return undefined;
  const what = answer.redact.join(', ');
  return `Blocked by Raypher: it contains what may only pass replaced (${what}), and a hook cannot replace it. (rule ${answer.rule}, revision ${answer.revision})`;
}

function absent({ without, reason }: Exclude<OpenedGate, { gate: unknown }>): Answer {
  return {
    verdict: without === 'open' ? 'ALLOW' : 'DENY',
    rule: 'gate/unavailable',
    reason: `The Raypher service does not answer (${reason.replace(/\.$/, '')}), and nobody knows that its policy only records`,
    revision: 0,
    source: 'gate',
  };
}
