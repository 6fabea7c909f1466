/** Stands for the agent: holds the control groups of a test, says so, sets modes as it is told, and waits to be killed. */
import { CallerFinder } from '../../../callers/caller-finder.ts';
import type { Mode } from '../kernel-layout.ts';
import { folderId } from '../network-programs.ts';
import { TransparentListener } from '../transparent-listener.ts';
import { GovernedFolder, isRedirect, REDIRECTS } from './governed-group.ts';

const [way = '', name = '', group = ''] = process.argv.slice(2);
if (!isRedirect(way)) throw new TypeError(`There is no way "${way}" to lead connections.`);
const folder = new GovernedFolder(name);
const redirect = REDIRECTS[way].open(folder.redirectOptions(new CallerFinder()));
const listener = await TransparentListener.start({
  original: (client) => redirect.original(client),
  receive: (client, { address, port }) => client.end(`to ${address} ${port}`).resume(),
});
redirect.listensOn(listener.descriptors);
const show = (): void => redirect.show({ ...listener.ports, dns4: 0, dns6: 0 }, 'enforce');
show();
setInterval(show, 1000);
process.on('message', (mode: Mode) => {
  const path = `${folder.cgroups.folder}/${group}`;
  redirect.setMode(folderId(path), path, mode);
  process.send?.('set');
});
process.send?.('ready');
