import { Remote } from './lib/remote.ts';
import { percentile } from './lib/report.ts';
import { readFileSync } from 'node:fs';
const N = Number(process.argv[2]);
const floor: any = await Remote.start(new URL('lib/floor.remote.ts', import.meta.url));
const swarm: any = await Remote.start(new URL('lib/swarm.remote.ts', import.meta.url), ['--cpu-prof','--cpu-prof-dir=/tmp/prof']);
const { server, token } = await floor.call('start');
console.log(await swarm.call('connect', { server, token, devices: N, seed: 'x', connectsPerSecond: 1000 }));
await swarm.call('quiet', 20000);
const rss = (pid: number) => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
console.log('rss floor', rss(floor.pid), 'swarm', rss(swarm.pid), await swarm.call('stats'));
for (let i = 0; i < 8; i++) {
  const { revision, atMs } = await floor.call('broadcast');
  const t = await swarm.call('applied', { kind: 'policy', revision, timeoutMs: 20000 });
  const d = t.map((x: number) => x - atMs);
  console.log(i, d.length, [0.01, 0.5, 0.99, 1].map((s) => percentile(d, s).toFixed(1)).join(' '));
  await new Promise((r) => setTimeout(r, 600));
}
process.kill(swarm.pid,'SIGTERM'); await new Promise(r=>setTimeout(r,1500)); await floor.stop();
