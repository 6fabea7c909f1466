/** Says what is being done, once it is done, with the time it took. */
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
    try {
      const result = await work();
      this.#line('✓', title, performance.now() - started);
      return result;
    } catch (error) {
      this.#line('✗', title, performance.now() - started);
      throw error;
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
