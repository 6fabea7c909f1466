/** What `bpf/network.bpf.c` is compiled to by the build: of the sources as of the compiled code, above their folders. */
export const NETWORK_OBJECT_FILE = new URL('../../../dist/bpf/network.bpf.o', import.meta.url).pathname;
