/** Stands for the agent: holds the control groups of a test, says so, and waits to be killed. */
import { kernelObjectFile } from '../../../kernel-object-file.ts';
import { networkNamespaceCookie } from '../../../native/socket-descriptor.ts';
import { NetworkPrograms } from '../network-programs.ts';
import { TransparentListener } from '../transparent-listener.ts';

const [folder = '', pins = ''] = process.argv.slice(2);
const programs = NetworkPrograms.load({ objectFile: kernelObjectFile('network.bpf.o'), folder, pins });
const listener = await TransparentListener.start({
  original: (address, port) => programs.takeConnection(address, port),
  receive: (client, { address, port }) => client.end(`to ${address} ${port}`).resume(),
});
for (const fd of listener.descriptors) programs.markListener(fd);
const [fd = -1] = listener.descriptors;
programs.set({
  netns: networkNamespaceCookie(fd),
  deadline: process.hrtime.bigint() + 600_000_000_000n,
  ports: { ...listener.ports, dns4: 0, dns6: 0 },
  defaultMode: 'enforce',
});
process.send?.('ready');
