/** What a command is to be held to once it runs; as JSON from `raypher run` to the step that becomes the command. */
export interface Confinement {
  /** Null: something stronger holds files and programs. */
  readonly landlock: {
    readonly handled: number;
    readonly rules: readonly { readonly path: string; readonly rights: number }[];
  } | null;
  readonly systemCalls: { readonly refuseExecutableMemory: boolean };
  /** Parts of the policy that this does not hold, one sentence each. */
  readonly notHeld: readonly string[];
}
