import { parseJsonWithFault } from '@raypher/gate';
import {
  Answer,
  Cancelled,
  deniedResult,
  idKey,
  idOf,
  isDisguised,
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
/** Requests whose answers are looked at; far more than any client has open. */
const MOST_ASKED = 10_000;
/** The result of a call comes with its answer, or when the client asks for it later (tasks). */
const ASKS_FOR_RESULT = 'tasks/result';

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
  readonly #deciding = new Map<string, AbortController>();
  /** What the server was asked, where its answer is looked at; all its answers, should there be more than one. */
  readonly #asked = new Map<string, 'call' | 'list'>();

  constructor(options: McpProxyOptions) {
    this.#options = options;
  }

  /** One line from the client. Resolves when it went on, or was answered. */
  async fromClient(line: Buffer): Promise<void> {
    const { toServer, toClient } = this.#options;
    if (isBlank(line)) return;
    const { message, fault } = read(line);
    if (fault === 'syntax' || fault === 'nearly JSON') {
      toClient(protocolError(null, PARSE_ERROR, 'Raypher: this line is not JSON.'));
      return;
    }
    const messages = Array.isArray(message) ? message : [message];
    const hasCalls = messages.some((one) => methodOf(one) === 'tools/call');
    // Readers disagree about which of two members counts: it could be a call to one of them.
    if (fault !== undefined && (hasCalls || isUnclear(fault))) {
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
    const { message, fault } = read(line);
    if (fault !== undefined && isUnclear(fault)) {
      // Some reader may take it for the answer to a call.
      const passage = await gate.result(line);
      toClient('line' in passage ? passage.line : protocolError(null, INVALID_REQUEST, passage.denied));
      return;
    }
    const answer = Answer.safeParse(message);
    const asked = answer.success ? this.#asked.get(idKey(answer.data.id)) : undefined;
    if (!answer.success || asked === undefined) {
      // Of a batch that could have an answer in it, nothing passes unseen.
      if (Array.isArray(message) && message.some((one) => this.#isAsked(idOf(one)))) {
        for (const one of message) await this.fromServer(toLine(one));
      } else toClient(line);
      return;
    }
    const { id, result } = answer.data;
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
    const key = id === undefined ? undefined : idKey(id);
    const gone = new AbortController();
    if (
      id !== undefined &&
      key !== undefined &&
      (this.#deciding.has(key) || this.#deciding.size >= MOST_DECIDING)
    ) {
      toClient(
        protocolError(
          id,
          INVALID_REQUEST,
          'Raypher: this call, or too many others, wait for an answer already.',
        ),
      );
      return;
    }
    if (key !== undefined) this.#deciding.set(key, gone);
    let passage: Passage;
    try {
      passage = await gate.call(line, params.name, params.arguments, gone.signal);
    } finally {
      if (key !== undefined) this.#deciding.delete(key);
    }
    // Nobody wants an answer to what was cancelled, and nothing may happen for it.
    if (gone.signal.aborted) return;
    if ('line' in passage) {
      if (id !== undefined) this.#expect(id, 'call');
      toServer(passage.line);
    } else if (id !== undefined) toClient(deniedResult(id, passage.denied));
  }

  /** A list of tools is looked at when it comes back; a call that is cancelled is given up. */
  #noteOther(message: unknown): void {
    const id = idOf(message);
    if (id === undefined) return;
    const method = methodOf(message);
    if (method === 'tools/list') this.#expect(id, 'list');
    else if (method === ASKS_FOR_RESULT) this.#expect(id, 'call');
  }

  /** An id that is used again does not take a call's answer out of sight. */
  #expect(id: MessageId, what: 'call' | 'list'): void {
    const key = idKey(id);
    if (this.#asked.get(key) === 'call') return;
    this.#asked.set(key, what);
    if (this.#asked.size <= MOST_ASKED) return;
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined) this.#asked.delete(oldest);
  }

  #isAsked(id: MessageId | undefined): boolean {
    return id !== undefined && this.#asked.has(idKey(id));
  }

  /** A cancellation of what the server never heard of. */
  #isForNobody(message: unknown): boolean {
    const cancelled = Cancelled.safeParse(message);
    const deciding = cancelled.success
      ? this.#deciding.get(idKey(cancelled.data.params.requestId))
      : undefined;
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

const LINE_BREAK = 0x0d;
const NEWLINE = 0x0a;

/** Readers differ about what such a line says. */
function isUnclear(fault: string): boolean {
  return fault !== 'syntax' && fault !== 'json/inexact-number' && fault !== 'json/too-many-values';
}

function read(line: Buffer): { message: unknown; fault?: string } {
  const text = line.toString('utf8');
  try {
    const { value, fault } = parseJsonWithFault(text);
    if (fault?.code === 'json/duplicate-name') return { message: value, fault: fault.code };
    if (isDisguised(value)) return { message: value, fault: 'names in another case' };
    if (breaksInside(line)) return { message: value, fault: 'a line break inside' };
    return { message: value, ...(fault === undefined ? {} : { fault: fault.code }) };
  } catch {
    // Some readers take `NaN`, or nest deeper, where others see no JSON; a line of a log is none to anybody.
    return { message: undefined, fault: /^\s*[[{]/.test(text) ? 'nearly JSON' : 'syntax' };
  }
}

/** A carriage return that is not the end: to some readers two lines. */
function breaksInside(line: Buffer): boolean {
  const at = line.indexOf(LINE_BREAK);
  return at !== -1 && at < line.length - (line.at(-1) === NEWLINE ? 2 : 1);
}
