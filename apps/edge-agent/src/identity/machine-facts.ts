import { readFileSync } from 'node:fs';
import { arch, hostname, release, type } from 'node:os';

export interface MachineFacts {
  hostname: string;
  os: string;
  kernel: string;
  arch: string;
  /** systemd's machine id; empty where there is none. It names the installation, it proves nothing. */
  machineId: string;
  /** Changes with every boot; empty where the kernel does not say. */
  bootId: string;
}

export function machineFacts(): MachineFacts {
  return {
    hostname: hostname(),
    os: osName(),
    kernel: release(),
    arch: arch(),
    machineId: readLine('/etc/machine-id'),
    bootId: readLine('/proc/sys/kernel/random/boot_id'),
  };
}

/** For people: "Debian GNU/Linux 12 (bookworm)" (os-release(5)), else the kernel's name. */
function osName(): string {
  const pretty = /^PRETTY_NAME="?(?<name>[^"\n]+)"?$/m.exec(readText('/etc/os-release'))?.groups?.name;
  return pretty ?? type();
}

function readLine(path: string): string {
  return readText(path).trim();
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
