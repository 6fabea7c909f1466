/** Everything an enforcement point can ask about. */
export const ACTIONS = [
  'network.connect',
  'model.call',
  'file.read',
  'file.write',
  'file.delete',
  'process.exec',
  'device.open',
  'tool.call',
  'package.install',
  'data.out',
  'data.in',
] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * The AI agent behind an action. `undefined` where a request has one means that nobody claims there is one;
 * `null` means that there is one and it could not be identified.
 */
export interface RequestingAgent {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  /** `null`: not known. */
  readonly libraries: readonly string[] | null;
  /** Absent: in no team; `null`: not known. */
  readonly team?: string | null | undefined;
  /** `null`: not known. */
  readonly labels?: Readonly<Record<string, string>> | null | undefined;
  /** 0–1000. Absent or `null`: not known, so that rules that restrict match whatever they ask for. */
  readonly trust?: number | null | undefined;
}

/** Millionths of a dollar, a whole number: sums of them are exact up to nine billion dollars. */
export type MicroDollars = number;

/** What an AI agent has spent so far: settled and reserved together. */
export interface SpentSoFar {
  readonly hour?: MicroDollars | null | undefined;
  readonly day?: MicroDollars | null | undefined;
  readonly month?: MicroDollars | null | undefined;
}

/** The state of one counter that a limit is checked against. */
export interface Balance {
  /** Settled in the running period. */
  readonly spent: MicroDollars;
  /** Promised to calls that are not settled yet, without the one that is asked about. */
  readonly reserved: MicroDollars;
}

/**
 * Facts that could not be learnt are `null`: rules that restrict then match, rules that permit do not.
 * `undefined` says that the fact does not exist for this action (a tunnel has no model): no rule that asks for
 * it matches.
 */
interface RequestContext {
  readonly agent?: RequestingAgent | null | undefined;
  /** Milliseconds since 1970; now unless given. */
  readonly at?: number | undefined;
  /** How the device proves who it is. */
  readonly identity?: 'tpm' | 'software' | null | undefined;
}

/** For actions that go nowhere. */
interface Local {
  readonly host?: undefined;
}

interface Spending {
  /** The most this call can cost. */
  readonly cost?: MicroDollars | null | undefined;
  readonly spent?: SpentSoFar | null | undefined;
  /** By the `counter` that `limitsFor` names. One that is missing counts as not known: the limit holds. */
  readonly balances?: Readonly<Record<string, Balance>> | undefined;
}

/** What an enforcement point knows about where a connection goes. */
interface Reaching {
  /** As the client wrote it; the decision normalises it. */
  readonly host: string;
  readonly port: number;
  /** The address that is connected to, when the host is a name that was resolved. */
  readonly address?: string | null | undefined;
  /**
   * Why this device's own configuration accounts for an address that is not on the public internet. `mapped`:
   * the host is led elsewhere, to an address that no rule sees. `provider`: it is where a model provider on
   * this machine listens, which permits the loopback and nothing else.
   */
  readonly localChoice?: 'mapped' | 'provider' | undefined;
}

/** A connection of an AI agent, or one request on it. */
export interface NetworkConnectRequest extends RequestContext, Reaching {
  readonly action: 'network.connect';
  readonly provider?: string | undefined;
  readonly model?: string | null | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

/** A call of a model: everything that a connection has, and money. */
export interface ModelCallRequest extends RequestContext, Reaching, Spending {
  readonly action: 'model.call';
  readonly provider: string;
  readonly model: string | null;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
}

export interface FileRequest extends RequestContext, Local {
  readonly action: 'file.read' | 'file.write' | 'file.delete';
  /** Absolute, links resolved. */
  readonly path: string;
}

export interface ProcessExecRequest extends RequestContext, Local {
  readonly action: 'process.exec';
  /** The executable: an absolute path with links resolved, or a bare name where that is all there is. */
  readonly command: string;
  /** Without the name of the program. */
  readonly arguments: readonly string[] | null;
}

export interface DeviceOpenRequest extends RequestContext, Local {
  readonly action: 'device.open';
  /** Such as `/dev/video0`. */
  readonly path: string;
  /** Such as camera, microphone, usb, gpu. */
  readonly deviceClass: string | null;
}

export interface ToolCallRequest extends RequestContext, Local {
  readonly action: 'tool.call';
  readonly tool: string;
  /** The MCP server that offers it. Absent: the AI agent's own tool. */
  readonly server?: string | null | undefined;
  /** Text of the arguments, as far as they are text. */
  readonly arguments?: readonly string[] | null | undefined;
}

export interface PackageInstallRequest extends RequestContext, Local {
  readonly action: 'package.install';
  /** npm, pypi, cargo, go, … */
  readonly ecosystem: string;
  readonly package: string;
  readonly version?: string | null | undefined;
  /** Days since this version was published. */
  readonly ageDays?: number | null | undefined;
}

/** One piece of data that a scanner found. */
export interface DataFinding {
  /** Category: `credential`, `personal`, `financial`, … */
  readonly class: string;
  /** What found it: `email`, `github-token`, … */
  readonly detector: string;
}

/** Data that leaves the device (`out`) or comes back from a model (`in`). */
export interface DataRequest extends RequestContext {
  readonly action: 'data.out' | 'data.in';
  readonly host?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | null | undefined;
  /** `null`: it could not be scanned. */
  readonly findings: readonly DataFinding[] | null;
}

/** What an enforcement point asks about. */
export type ActionRequest =
  | NetworkConnectRequest
  | ModelCallRequest
  | FileRequest
  | ProcessExecRequest
  | DeviceOpenRequest
  | ToolCallRequest
  | PackageInstallRequest
  | DataRequest;
