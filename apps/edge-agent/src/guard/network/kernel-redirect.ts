import type { Socket } from 'node:net';
import type { Mode, NetworkEvent, Original, Settings } from './kernel-layout.ts';

export type ListeningPorts = Settings['ports'];

/**
 * What leads the connections and questions of AI agents to the agent, and refuses the rest. Groups are known by the
 * id of their control group, which is the inode of its folder.
 */
export interface KernelRedirect {
  readonly name: 'cgroup' | 'nftables';
  /** Where an accepted connection was to go; undefined when it was not led here. Answers once for each connection. */
  original: (client: Socket) => Original | undefined;
  /** Who asked over UDP; undefined when the question was not led here. */
  asker: (address: string, port: number) => Original | undefined;
  /** @param descriptors of the sockets on which this process listens for what is led there */
  listensOn: (descriptors: readonly number[]) => void;
  /** The agent is there, and listens on these ports; said every second. @param defaultMode of groups not named yet */
  show: (ports: ListeningPorts, defaultMode: Mode) => void;
  /** @param path folder of the group */
  setMode: (group: bigint, path: string, mode: Mode) => void;
  forget: (group: bigint) => void;
  /** Of which groups something is known. */
  groups: () => bigint[];
  /** What was refused, or in monitor mode would have been, since the last time. Never blocks. */
  readEvents: (receive: (event: NetworkEvent) => void) => void;
  /** Events that found no room, since the start. */
  readonly lost: number;
  /** The agent is about to end: from now on what is only watched goes its own way. */
  pause: () => void;
  /** The agent ends: what enforces stays in force. */
  close: () => void;
}
