import type { CommandPayload, CommandVerb } from '@raypher/shared';
import { type Command, CommandResult, RaypherError } from '@raypher/shared';
import { z } from 'zod';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SeenCommands } from '../store/seen-commands.ts';
import type { BundleVerifier } from './bundle-verifier.ts';
import { asRaypherError } from './desired-state.ts';

/** What one verb does; the returned object goes back to the control plane as JSON. */
export type CommandAction = (payload: CommandPayload) => Promise<Record<string, unknown>>;

const StoredResult = z.object({
  ok: z.boolean(),
  code: z.string(),
  detail: z.string(),
  resultJson: z.string(),
});
type StoredResult = z.infer<typeof StoredResult>;

const MAX_RESULT_BYTES = 64 * 1024;
/** Ids are remembered this long after the command's own expiry, in case the clock is set back. */
const REMEMBER_MS = 7 * 24 * 3_600_000;

/** Carries out signed commands: each at most once, even over a crash, and each leaves a ledger entry. */
export class Commands {
  readonly #device: string;
  readonly #verifier: BundleVerifier;
  readonly #seen: SeenCommands;
  readonly #ledger: Ledger;
  readonly #actions: Record<CommandVerb, CommandAction>;

  constructor(parts: {
    device: string;
    verifier: BundleVerifier;
    seen: SeenCommands;
    ledger: Ledger;
    actions: Record<CommandVerb, CommandAction>;
  }) {
    this.#device = parts.device;
    this.#verifier = parts.verifier;
    this.#seen = parts.seen;
    this.#ledger = parts.ledger;
    this.#actions = parts.actions;
  }

  /** Never throws: a refusal is a result. */
  async execute(command: Command, now = Date.now()): Promise<CommandResult> {
    let payload: CommandPayload;
    let isNew: boolean;
    try {
      payload = this.#admit(command, now);
      // Without room to remember it the command is refused: doing it twice would be worse.
      isNew = this.#seen.claim(payload.id, Date.parse(payload.expiresAt));
    } catch (error) {
      const { code, message } = asRaypherError(error);
      this.#ledger.note(refused(command.id, code, message));
      return CommandResult.fromPartial({ commandId: command.id, ok: false, code, detail: message });
    }
    if (!isNew) return this.#repeat(payload);

    const result = await this.#run(payload);
    try {
      this.#seen.finish(payload.id, JSON.stringify(result));
      this.#seen.prune(now - REMEMBER_MS);
    } catch {
      // The claim stands, so it will not run again; only a repeated result is lost.
    }
    return CommandResult.fromPartial({ commandId: payload.id, ...result });
  }

  #admit(command: Command, now: number): CommandPayload {
    const { payload } = this.#verifier.verify('command', command.bundle);
    if (payload.id !== command.id) {
      throw new RaypherError('bundle/signature-invalid', 'The command has another id than the signed one.');
    }
    if (payload.device !== this.#device) {
      throw new RaypherError('device/identity-mismatch', 'The command is for another device.');
    }
    if (Date.parse(payload.expiresAt) <= now) {
      throw new RaypherError('bundle/expired', `The command expired at ${payload.expiresAt}.`);
    }
    return payload;
  }

  #repeat(payload: CommandPayload): CommandResult {
    const stored = this.#seen.result(payload.id);
    if (stored !== undefined) {
      return CommandResult.fromPartial({ commandId: payload.id, ...StoredResult.parse(JSON.parse(stored)) });
    }
    return CommandResult.fromPartial({
      commandId: payload.id,
      ok: false,
      code: 'command/duplicate',
      detail: 'The command was started before and its result is not known; it is not run again.',
    });
  }

  async #run(payload: CommandPayload): Promise<StoredResult> {
    try {
      const result = await this.#actions[payload.verb](payload);
      this.#ledger.note(executed(payload));
      return { ok: true, code: '', detail: '', resultJson: fitResult(result) };
    } catch (error) {
      const { code, message } = asRaypherError(error);
      this.#ledger.note(refused(payload.id, code, message, payload));
      return { ok: false, code, detail: message, resultJson: '' };
    }
  }
}

function fitResult(result: Record<string, unknown>): string {
  const text = JSON.stringify(result);
  return Buffer.byteLength(text) <= MAX_RESULT_BYTES ? text : JSON.stringify({ truncated: true });
}

function executed(payload: CommandPayload): EventDraft {
  return {
    type: 'command.executed',
    severity: 'notice',
    actor: { kind: 'control-plane', id: '', name: 'control plane' },
    action: payload.verb,
    target: `command ${payload.id}`,
    data: { reason: payload.reason, ...recordable(payload) },
  };
}

function refused(id: string, code: string, reason: string, payload?: CommandPayload): EventDraft {
  return {
    type: 'command.refused',
    severity: 'warning',
    actor: { kind: 'control-plane', id: '', name: 'control plane' },
    action: payload?.verb ?? 'command',
    target: `command ${id}`,
    data: { code, reason, ...(payload === undefined ? {} : recordable(payload)) },
  };
}

/** A ledger is kept for years; what is sealed in it could be opened by whoever has the vault then. */
function recordable({ arguments: { sealed: _, ...rest } }: CommandPayload): CommandPayload['arguments'] {
  return rest;
}
