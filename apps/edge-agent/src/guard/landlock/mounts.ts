/** A line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  /** "major:minor" of the file system: two mounts with the same one show the same files. */
  readonly device: string;
  /** Which folder of the file system is shown. */
  readonly root: string;
  /** Where. */
  readonly point: string;
  /** Folders whose files an overlay shows under its own paths. */
  readonly layers: readonly string[];
}

export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , device, root, point] = before.split(' ');
    if (device === undefined || root === undefined || point === undefined) return [];
    const [type, , options = ''] = after.split(' ');
    return [
      {
        device,
        root: decodeOctal(root),
        point: decodeOctal(point),
        layers: type === 'overlay' ? layers(options) : [],
      },
    ];
  });
}

function layers(options: string): string[] {
  return options.split(',').flatMap((option) => {
    const [name, value = ''] = option.split('=');
    if (name === 'upperdir') return [decodeOctal(value)];
    return name === 'lowerdir' ? value.split(':').map(decodeOctal) : [];
  });
}

/** Blanks and backslashes are written as three octal digits. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
