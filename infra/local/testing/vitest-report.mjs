import { writeFileSync } from 'node:fs';

/**
 * A vitest reporter that writes what the last line of `npm test` needs, with the reasons of skipped tests, which
 * vitest's own JSON leaves out. The file is named by `RAYPHER_TEST_REPORT`.
 */
export default class VitestReport {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const file = process.env.RAYPHER_TEST_REPORT;
    if (file === undefined) return;
    let passed = 0;
    let failed = unhandledErrors.length;
    /** @type {import('./count.mjs').Skipped[]} */
    const skipped = [];
    for (const module of modules) {
      // A file that cannot even be loaded has no tests to fail.
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'skipped') {
          skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason: result.note });
        } else failed += 1;
      }
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
    }
    writeFileSync(file, JSON.stringify({ passed, failed, skipped }));
  }
}
