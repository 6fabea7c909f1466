/** Sees what the devices of a fleet do, so that it can be held against what the control plane has. */
export interface FleetWitness {
  /** Written into the device's chain, and stored there if the fleet is stored. */
  recorded?(device: string, seq: number, bytes: Uint8Array): void;
  /** The control plane said that everything through `seq` is durable. */
  acknowledged?(device: string, seq: number): void;
  welcomed?(device: string): void;
  ended?(device: string, code: string): void;
}
