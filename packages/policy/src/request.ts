/**
 * The AI agent behind an action. `undefined` where a request has one means that nobody claims there is one;
 * `null` means that there is one and it could not be identified.
 */
export interface RequestingAgent {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly libraries: readonly string[];
}

/**
 * A connection of an AI agent, or one request on it.
 *
 * Facts that could not be learnt are `null`: rules that restrict then match, rules that permit do not.
 * `undefined` says that the fact does not exist for this action (a tunnel has no model): no rule that asks for
 * it matches.
 */
export interface NetworkConnectRequest {
  readonly action: 'network.connect';
  /** As the client wrote it; the decision normalises it. */
  readonly host: string;
  readonly port: number;
  readonly provider?: string | undefined;
  readonly model?: string | null | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly agent?: RequestingAgent | null | undefined;
}

/** What an enforcement point asks about. */
export type ActionRequest = NetworkConnectRequest;
