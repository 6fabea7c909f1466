/** After this long whoever reads a log is told what is waited for. Milliseconds. */
const LONG = 3_000;

/** Says what was done, once it is done, with the time it took; of what takes long, also that it is being done. */
export class Progress {
  #interactive = process.stdout.isTTY === true;

  /**
   * @template T
   * @param {string} title
   * @param {() => Promise<T> | T} work
   * @returns {Promise<T>}
   */
  async step(title, work) {
    const started = performance.now();
    if (this.#interactive) process.stdout.write(`  … ${title}`);
    const patience = this.#interactive ? undefined : setTimeout(() => console.log(`  … ${title}`), LONG);
    let mark = '✗';
    try {
      const result = await work();
      mark = '✓';
      return result;
    } finally {
      clearTimeout(patience);
      this.#line(mark, title, performance.now() - started);
    }
  }

  /** @param {string} text */
  note(text) {
    if (this.#interactive) process.stdout.write('\r\x1b[K');
    console.log(`    ${text}`);
  }

  /**
   * @param {string} mark
   * @param {string} title
   * @param {number} milliseconds
   */
  #line(mark, title, milliseconds) {
    if (this.#interactive) process.stdout.write('\r\x1b[K');
    console.log(`  ${mark} ${title.padEnd(44)} ${seconds(milliseconds)}`);
  }
}

/** @param {number} milliseconds */
export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
