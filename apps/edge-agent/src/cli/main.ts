#!/usr/bin/env node
// Each only when it is wanted: becoming a command shall not take the time that all commands together need to load.
// No await at the top level: the one executable is CommonJS, which has none.
if (process.argv[2] === 'launch-step') {
  void import('./launch-step.ts').then(({ runLaunchStep }) => runLaunchStep());
} else if (process.argv[2] === 'fanotify-helper') {
  void import('../guard/fanotify/fanotify-helper.ts').then(({ runFanotifyHelper }) =>
    runFanotifyHelper(process.argv[3] ?? 'raypher'),
  );
} else if (process.argv[2] === 'guard-canary') {
  void import('../guard/network/canary-program.ts').then(({ runCanary }) => runCanary());
} else {
  void import('./command-line.ts').then(({ runCommandLine }) => runCommandLine());
}
