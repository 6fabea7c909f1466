import { RaypherError } from '@raypher/shared';
import { NftRedirect, type NftRedirectOptions, removeNftRules } from '../nftables/nft-redirect.ts';
import { ensureBpfFileSystem } from './bpf-file-system.ts';
import { BpfRedirect } from './bpf-redirect.ts';
import type { KernelRedirect } from './kernel-redirect.ts';
import { removeNetworkPrograms } from './network-programs.ts';

export interface RedirectOptions extends NftRedirectOptions {
  /** Where the compiled programs are. */
  readonly objectFile: () => string;
  /** Folder in a file system of type bpf where what is in force is kept. */
  readonly pins: string;
}

const BPF_FILE_SYSTEM = '/sys/fs/bpf';

/** By programs for control groups, which see more and cost others nothing. @throws RaypherError `platform/unsupported` */
export function openBpfRedirect({ cgroups, objectFile, pins, table }: RedirectOptions): KernelRedirect {
  ensureBpfFileSystem(BPF_FILE_SYSTEM);
  const place = { objectFile: objectFile(), folder: cgroups.folder, pins };
  // What an agent left that could not load programs.
  return new BpfRedirect(place, () => removeNftRules(table));
}

/** By rules of the packet filter. @throws RaypherError `platform/unsupported` */
export function openNftRedirect(options: RedirectOptions): KernelRedirect {
  // What an agent left that could.
  return new NftRedirect(options, () => removeNetworkPrograms(options.pins));
}

/**
 * The best way that this kernel has; rules of the packet filter where it takes no programs for control groups.
 *
 * @throws RaypherError `platform/unsupported` with the reasons against both
 */
export function openRedirect(options: RedirectOptions): KernelRedirect {
  try {
    return openBpfRedirect(options);
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    try {
      return openNftRedirect(options);
    } catch (second) {
      if (!(second instanceof RaypherError)) throw second;
      throw new RaypherError(
        'platform/unsupported',
        `${error.message} Instead of programs, rules (nftables): ${second.message}`,
        { cause: error },
      );
    }
  }
}

/** Leaves nothing of either in the kernel. */
export function removeRedirects({ pins, table }: Pick<RedirectOptions, 'pins' | 'table'>): void {
  removeNetworkPrograms(pins);
  removeNftRules(table);
}
