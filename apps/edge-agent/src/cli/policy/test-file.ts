/** Whether a file holds the tests of a policy by its name: `policy.test.yaml`. */
export function isTestFile(file: string): boolean {
  return /\.test\.(?:ya?ml|json)$/.test(file);
}

/** The tests that stand next to a policy: `policy.test.yaml` for `policy.yaml`. */
export function testFileOf(file: string): string {
  return file.replace(/(\.(?:ya?ml|json))?$/, (ending) => `.test${ending === '' ? '.yaml' : ending}`);
}
