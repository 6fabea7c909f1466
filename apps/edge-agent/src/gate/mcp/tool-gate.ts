import { randomBytes } from 'node:crypto';
import { createPlaceholders, createScanner, hmacSha256, inspectBody } from '@raypher/dlp';
import { type ActionRequest, CanonicalError, denialText } from '@raypher/gate';
import { GateCallError, type GateClient, type GateResult, GateUnavailableError } from '@raypher/gate/client';
import { dataAction } from '../data-actions.ts';
import { TOOL_DEFINITION } from '../decide-action.ts';
import type { OpenedGate } from '../open-gate.ts';

/** Passes, as these bytes; or does not, and why. */
export type Passage = { line: Buffer } | { denied: string };

export interface ToolGateOptions {
  /** What policies call this server. */
  server: string;
  open: () => Promise<OpenedGate>;
  /** How long a person may think about it, milliseconds. */
  waitMs: number;
}

/** Decides about calls of the tools of one MCP server, and about the data in them. */
export class ToolGate {
  readonly #options: ToolGateOptions;
  readonly #scanner = createScanner();
  readonly #placeholders = createPlaceholders({ hash: hmacSha256(randomBytes(32)) });

  constructor(options: ToolGateOptions) {
    this.#options = options;
  }

  /**
   * Whether a call may go to the server.
   *
   * @param line the message, of which only the arguments may change
   * @param gone aborted when nobody wants an answer any more: a question to a person is withdrawn
   */
  async call(line: Buffer, tool: string, given: unknown, gone: AbortSignal): Promise<Passage> {
    const { server } = this.#options;
    const request: ActionRequest = {
      v: 1,
      action: 'tool.call',
      target: tool,
      context: { server },
      ...(given === undefined ? {} : { arguments: given }),
    };
    return this.#withGate(line, gone, async (gate) => {
      const denied = await this.#denied(gate, request);
      return denied === undefined ? this.#data(gate, 'out', line, '/params/arguments') : { denied };
    });
  }

  /** Whether, and how, an answer may go to the AI agent. */
  result(line: Buffer): Promise<Passage> {
    return this.#withGate(line, undefined, (gate) => this.#data(gate, 'in', line, '/result'));
  }

  /** Has it recorded that tools describe themselves in another way. */
  async noteChanges(changes: readonly { name: string; before: string; after: string }[]): Promise<void> {
    const opened = await this.#options.open();
    if (!('gate' in opened)) return;
    using gate = opened.gate;
    for (const { name, before, after } of changes) {
      const context = { server: this.#options.server, before, after };
      await gate.check({ v: 1, action: TOOL_DEFINITION, target: name, context });
    }
  }

  async #withGate(
    line: Buffer,
    gone: AbortSignal | undefined,
    decide: (gate: GateClient) => Promise<Passage>,
  ): Promise<Passage> {
    const opened = await this.#options.open();
    if (!('gate' in opened)) {
      if (opened.without === 'open') return { line };
      return {
        denied: `Blocked by Raypher: its service does not answer, and nobody knows that its policy only records. ${opened.reason}`,
      };
    }
    using gate = opened.gate;
    gone?.addEventListener('abort', () => gate.close(), { once: true });
    try {
      return await decide(gate);
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return { denied: `Blocked by Raypher: its service went away before it answered. ${error.message}` };
    }
  }

  async #denied(gate: GateClient, request: ActionRequest): Promise<string | undefined> {
    const answer = await this.#ask(gate, request);
    return typeof answer === 'string' ? answer : refusal(answer);
  }

  async #data(gate: GateClient, direction: 'in' | 'out', line: Buffer, place: string): Promise<Passage> {
    const inspection = inspectBody(line, 'application/json', { scanner: this.#scanner });
    const action = dataAction(direction, `mcp:${this.#options.server}`, inspection);
    if (action === undefined) return { line };
    const answer = await this.#ask(gate, action);
    if (typeof answer === 'string') return { denied: answer };
    const denied = refusal(answer);
    if (denied !== undefined) return { denied };
    const redact = new Set(answer.redact);
    if (redact.size === 0) return { line };
    let isElsewhere = false;
    const rewritten = inspection.rewrite((finding, part, value) => {
      if (!redact.has(finding.detector)) return undefined;
      // An id or a name that is replaced would make it another message.
      if (part.path.startsWith(place)) return this.#placeholders.issue(finding, value);
      isElsewhere = true;
      return undefined;
    });
    if (isElsewhere || rewritten.left.length > 0) {
      return {
        denied: `Blocked by Raypher: it holds data that may only pass replaced, where nothing can be replaced. (rule ${answer.rule})`,
      };
    }
    return { line: Buffer.from(rewritten.content) };
  }

  /** @returns a sentence where the gate cannot tell what it is asked about */
  async #ask(gate: GateClient, request: ActionRequest): Promise<GateResult<'gate_check'> | string> {
    try {
      const { waitMs } = this.#options;
      return await gate.check(request, waitMs > 0 ? { waitMs } : {});
    } catch (error) {
      if (!(error instanceof CanonicalError || error instanceof GateCallError)) throw error;
      return `Blocked by Raypher: it could not be decided. ${error.message}`;
    }
  }
}

function refusal(answer: GateResult<'gate_check'>): string | undefined {
  return answer.verdict === 'ALLOW' ? undefined : (answer.message ?? denialText(answer));
}
