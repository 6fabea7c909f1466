import { writeFileSync } from 'node:fs';
import { inOneLine, nothing } from './count.mjs';

/**
 * A vitest reporter that writes what the last lines of `npm test` need, with the reasons of skipped tests, which
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
    const count = { ...nothing(), failed: unhandledErrors.length };
    for (const module of modules) {
      // A file that cannot even be loaded has no tests to fail.
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (result.state === 'passed') count.passed += 1;
        else if (result.state === 'skipped') count.skipped.push({ name, reason: result.note });
        else count.failed += 1;
        if (test.diagnostic()?.flaky) {
          count.unsteady.push({ name, reason: inOneLine(result.errors?.[0]?.message) });
        }
      }
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    }
    writeFileSync(file, JSON.stringify(count));
  }
}
