import { readProcText } from '../discovery/procfs.ts';
import type { SocketEnds } from '../native/inet-diag.ts';

/**
 * Finds a connection in the tables that the kernel prints, for machines where netlink may not be used. It reads
 * all connections to find one.
 *
 * A socket of IPv6 can carry a connection of IPv4, so both tables are searched.
 */
export function findInTables(ends: SocketEnds): { inode: string; uid: number } | undefined {
  for (const table of ['tcp', 'tcp6'] as const) {
    const read = readProcText(`/proc/thread-self/net/${table}`);
    const found = read.ok ? matchRow(read.value, ends, table === 'tcp6') : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param table text of /proc/net/tcp or tcp6 (proc_pid_net(5)) */
export function matchRow(
  table: string,
  { own, other }: SocketEnds,
  isWide: boolean,
): { inode: string; uid: number } | undefined {
  if (!isWide && own.address.length !== 4) return undefined;
  const wanted = ` ${encode(own.address, own.port, isWide)} ${encode(other.address, other.port, isWide)} `;
  const at = table.indexOf(wanted);
  if (at < 0) return undefined;
  const line = table.slice(table.lastIndexOf('\n', at) + 1, table.indexOf('\n', at)).trim();
  const fields = line.split(/\s+/);
  const [uid, inode] = [fields[7], fields[9]];
  if (uid === undefined || inode === undefined || inode === '0') return undefined;
  return { inode, uid: Number(uid) };
}

/** The kernel prints addresses as 32-bit words in the machine's byte order; x64 and arm64 are little-endian. */
function encode(address: Buffer, port: number, isWide: boolean): string {
  const bytes = Buffer.from(
    isWide && address.length === 4
      ? Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), address])
      : address,
  );
  bytes.swap32();
  const suffix = port.toString(16).padStart(4, '0');
  return `${bytes.toString('hex')}:${suffix}`.toUpperCase();
}
