import { parseJsonWithFault } from '@raypher/gate';
import {
  Answer,
  Cancelled,
  deniedResult,
  idOf,
  type MessageId,
  methodOf,
  protocolError,
  ToolCall,
  ToolList,
} from './message.ts';
import type { Passage, ToolGate } from './tool-gate.ts';
import type { ToolMemory } from './tool-memory.ts';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
/** Calls that are decided about at a time. */
const MOST_DECIDING = 64;

export interface McpProxyOptions {
  gate: Pick<ToolGate, 'call' | 'result' | 'noteChanges'>;
  memory: ToolMemory;
  toServer: (line: Buffer | string) => void;
  toClient: (line: Buffer | string) => void;
}

/**
 * Stands between an MCP client and one server (stdio transport: JSON-RPC, a message per line). Everything passes byte
 * for byte; only calls of tools and their answers are decided about first.
 */
export class McpProxy {
  readonly #options: McpProxyOptions;
  /** Calls that nobody has answered yet, and how to give each up. */
  readonly #deciding = new Map<MessageId, AbortController>();
  /** What the server was asked, where its answer is looked at. */
  readonly #asked = new Map<MessageId, 'call' | 'list'>();

  constructor(options: McpProxyOptions) {
    this.#options = options;
  }

  /** One line from the client. Resolves when it went on, or was answered. */
  async fromClient(line: Buffer): Promise<void> {
    const { toServer, toClient } = this.#options;
    if (isBlank(line)) return;
    const { message, fault } = read(line);
    if (fault === 'syntax') {
      toClient(protocolError(null, PARSE_ERROR, 'Raypher: this line is not JSON.'));
      return;
    }
    const messages = Array.isArray(message) ? message : [message];
    const hasCalls = messages.some((one) => methodOf(one) === 'tools/call');
    // Readers disagree about which of two members counts: it could be a call to one of them.
    if (fault !== undefined && (hasCalls || fault === 'json/duplicate-name')) {
      const text = `Raypher: readers could take this message for different things (${fault}).`;
      toClient(protocolError(idOf(message) ?? null, INVALID_REQUEST, text));
      return;
    }
    if (!hasCalls) {
      for (const one of messages) this.#noteOther(one);
      if (this.#isForNobody(message)) return;
      toServer(line);
      return;
    }
    if (!Array.isArray(message)) await this.#decide(line, message);
    // A batch is taken apart: its members have answers of their own.
    else for (const one of message) await this.#pass(one);
  }

  /** One line from the server. */
  async fromServer(line: Buffer): Promise<void> {
    const { gate, toClient } = this.#options;
    const { message } = read(line);
    const answer = Answer.safeParse(message);
    const asked = answer.success ? this.#asked.get(answer.data.id) : undefined;
    if (!answer.success || asked === undefined) {
      // Of a batch that could have an answer in it, nothing passes unseen.
      if (Array.isArray(message) && message.some((one) => this.#asked.has(idOf(one) ?? ''))) {
        for (const one of message) await this.fromServer(toLine(one));
      } else toClient(line);
      return;
    }
    const { id, result } = answer.data;
    this.#asked.delete(id);
    if (asked === 'list') {
      this.#compare(result);
      toClient(line);
      return;
    }
    const passage = await gate.result(line);
    toClient('line' in passage ? passage.line : deniedResult(id, passage.denied));
  }

  async #pass(message: unknown): Promise<void> {
    if (methodOf(message) === 'tools/call') await this.#decide(toLine(message), message);
    else {
      this.#noteOther(message);
      this.#options.toServer(toLine(message));
    }
  }

  async #decide(line: Buffer, message: unknown): Promise<void> {
    const { gate, toServer, toClient } = this.#options;
    const parsed = ToolCall.safeParse(message);
    if (!parsed.success) {
      toClient(protocolError(idOf(message) ?? null, INVALID_REQUEST, 'Raypher: this is no call of a tool.'));
      return;
    }
    const { id, params } = parsed.data;
    const gone = new AbortController();
    if (id !== undefined && (this.#deciding.has(id) || this.#deciding.size >= MOST_DECIDING)) {
      toClient(
        protocolError(
          id,
          INVALID_REQUEST,
          'Raypher: this call, or too many others, wait for an answer already.',
        ),
      );
      return;
    }
    if (id !== undefined) this.#deciding.set(id, gone);
    let passage: Passage;
    try {
      passage = await gate.call(line, params.name, params.arguments, gone.signal);
    } finally {
      if (id !== undefined) this.#deciding.delete(id);
    }
    // Nobody wants an answer to what was cancelled, and nothing may happen for it.
    if (gone.signal.aborted) return;
    if ('line' in passage) {
      if (id !== undefined) this.#asked.set(id, 'call');
      toServer(passage.line);
    } else if (id !== undefined) toClient(deniedResult(id, passage.denied));
  }

  /** A list of tools is looked at when it comes back; a call that is cancelled is given up. */
  #noteOther(message: unknown): void {
    const id = idOf(message);
    if (id !== undefined && methodOf(message) === 'tools/list') this.#asked.set(id, 'list');
  }

  /** A cancellation of what the server never heard of. */
  #isForNobody(message: unknown): boolean {
    const cancelled = Cancelled.safeParse(message);
    const deciding = cancelled.success ? this.#deciding.get(cancelled.data.params.requestId) : undefined;
    deciding?.abort();
    return deciding !== undefined;
  }

  #compare(result: unknown): void {
    const { gate, memory } = this.#options;
    const list = ToolList.safeParse(result);
    if (!list.success) return;
    const changes = memory.compare(list.data.tools.map((tool) => ({ name: tool.name, definition: tool })));
    // Recorded where that is possible; the list passes either way.
    if (changes.length > 0) gate.noteChanges(changes).catch(() => undefined);
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09);
}

function toLine(message: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

function read(line: Buffer): { message: unknown; fault?: string } {
  try {
    const { value, fault } = parseJsonWithFault(line.toString('utf8'));
    return { message: value, ...(fault === undefined ? {} : { fault: fault.code }) };
  } catch {
    return { message: undefined, fault: 'syntax' };
  }
}
