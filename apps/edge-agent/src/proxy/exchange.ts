import type { IncomingMessage, ServerResponse } from 'node:http';
import { addEstimates, estimateInput, type InputEstimate, type UpperBound } from '@raypher/cost';
import type { AddressFacts } from '../egress/reach.ts';
import type { Upgrade } from '../web-socket/upgrade.ts';
import type { Caller } from './caller.ts';
import type { RememberedDecision } from './decide-call.ts';
import type { Destination } from './destination.ts';
import { isForm } from './model-in-form.ts';
import { type ModelName, repeatsSettings } from './model-name.ts';
import type { ReadBody } from './request-body.ts';

/** One request on its way through the proxy, with what is known about it so far. */
export class Exchange {
  /** Of `performance.now()`. */
  readonly startedAt = performance.now();
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly destination: Destination;
  readonly caller: Caller;
  /** The connection that the client made. */
  readonly client: object;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
  readonly read: ReadBody;
  /** Of a request that wants to become a WebSocket. */
  readonly upgrade: Upgrade | undefined;
  /** What is known of the addresses that it may be sent to; nothing before the host was looked up. */
  addresses: readonly AddressFacts[] = [{}];
  /** What the call costs at most with each model that was asked about; working it out reads the whole body. */
  readonly bounds = new Map<string | null, UpperBound | undefined>();
  /** What was decided about it last; see `decideCall`. */
  decided: RememberedDecision | undefined;
  #json: { value: unknown } | undefined;
  #excerptJson: { value: unknown } | undefined;
  #input: InputEstimate | undefined;
  #unclear: boolean | undefined;

  constructor(
    parts: Pick<
      Exchange,
      'request' | 'response' | 'destination' | 'caller' | 'client' | 'gone' | 'read' | 'upgrade'
    >,
  ) {
    this.request = parts.request;
    this.response = parts.response;
    this.destination = parts.destination;
    this.caller = parts.caller;
    this.client = parts.client;
    this.gone = parts.gone;
    this.read = parts.read;
    this.upgrade = parts.upgrade;
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  /** Without query and fragment, as rules and events see it. */
  get path(): string {
    return this.destination.path.split(/[?#]/, 1)[0] ?? '';
  }

  /** All that the request names, `null` for one that could not be learnt; empty when no model is involved. */
  get models(): readonly ModelName[] {
    return this.read.models;
  }

  /** Whether there is a body that nobody could look at: too long to hold, or in a coding that cannot be undone. */
  get isOpaque(): boolean {
    return this.read.body !== undefined && this.read.plain === undefined;
  }

  /** The body as JSON, as text where it is none; undefined where there is none or it is not held. */
  get json(): unknown {
    this.#json ??= { value: parse(this.read.plain) };
    return this.#json.value;
  }

  /** What the prompt holds, reckoned high. */
  get input(): InputEstimate {
    this.#input ??= this.#reckon();
    return this.#input;
  }

  /** Whether that was asked for. */
  get isReckoned(): boolean {
    return this.#input !== undefined;
  }

  /** The body as far as it has to be looked at, parsed; what is known of the rest is in {@link Exchange.input}. */
  get unknownJson(): unknown {
    const { excerpt } = this.read;
    if (excerpt?.estimate === undefined) return this.json;
    this.#excerptJson ??= { value: parse(excerpt.bytes) };
    return this.#excerptJson.value;
  }

  /**
   * Whether servers may differ about what it asks for: it says something twice, or is neither JSON nor a form to us, and
   * may be JSON to them (UTF-16, comments).
   */
  get isUnclear(): boolean {
    const { excerpt, plain } = this.read;
    const json = excerpt?.bytes ?? plain;
    if (json === undefined) return false;
    if (typeof this.unknownJson === 'string') return !isForm(this.request.headers['content-type'], json);
    this.#unclear ??= repeatsSettings(json.toString('utf8'));
    return this.#unclear;
  }

  #reckon(): InputEstimate {
    const known = this.read.excerpt?.estimate;
    const unknown = estimateInput(this.unknownJson);
    return known === undefined ? unknown : addEstimates(known, unknown);
  }
}

function parse(plain: Buffer | undefined): unknown {
  if (plain === undefined) return undefined;
  // A mark in front is none of it (RFC 8259 §8.1).
  const text = plain.toString('utf8').replace(/^\ufeff/, '');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
