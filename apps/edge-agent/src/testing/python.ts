/** Debian's own: what others install as `python3` may be a script. */
export const PYTHON = '/usr/bin/python3';

/** exit(2), which ends the thread that calls it alone; the number is that of x64 and arm64. */
export const END_THIS_THREAD = `__import__('ctypes').CDLL(None).syscall(${process.arch === 'arm64' ? 93 : 60}, 0)`;

/**
 * A Python script whose first thread ends while another one computes, as every process can: the kernel then shows it as
 * ended, without program, arguments or memory.
 */
export const OUTLIVING_SCRIPT = `import os, threading, time
def burn():
    while open(f'/proc/{os.getpid()}/stat').read().split(') ')[1][0] != 'Z': time.sleep(0.001)
    print('ready', flush=True)
    while True: pass
threading.Thread(target=burn).start()
${END_THIS_THREAD}
`;
