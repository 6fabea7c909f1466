import { readFileSync } from 'node:fs';
import { type GuardSetup, openBackEnd } from './guard-setup.ts';

/** An agent in a process of its own, to be killed: puts a policy in force, says so, and waits for its end. */
const file = process.argv[2];
if (file === undefined) throw new TypeError('the setup is missing');
// What is in the file is what the suite wrote.
const setup = JSON.parse(readFileSync(file, 'utf8')) as GuardSetup;
const backEnd = openBackEnd(setup);
await backEnd.start({ denied: () => {}, lost: () => {} });
for (const { group, policy } of setup.groups) await backEnd.apply(group, policy);
process.stdout.write('in force\n');
setInterval(() => {}, 1000);
