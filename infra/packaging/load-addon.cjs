// Part of the one executable: loads the native half of koffi from inside it.
const { closeSync, openSync, writeSync } = require('node:fs');
const { constants, tmpdir } = require('node:os');
const { getRawAsset } = require('node:sea');

/** O_TMPFILE of Linux on x64 and arm64: a file without a name, which nobody else can open, replace or find later. */
const O_TMPFILE = process.arch === 'arm64' ? 0o20040000 : 0o20200000;
const O_RDWR = 2;

const failures = [];
// A folder may be mounted so that nothing in it can be executed; /dev/shm is in memory and there everywhere.
for (const folder of ['/dev/shm', '/run', tmpdir(), '/var/tmp']) {
  let file;
  try {
    file = openSync(folder, O_TMPFILE | O_RDWR, 0o700);
    const bytes = new Uint8Array(getRawAsset('koffi.node'));
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    process.dlopen(module, `/proc/self/fd/${file}`, constants.dlopen.RTLD_NOW);
    break;
  } catch (error) {
    failures.push(`${folder}: ${error.message}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
if (module.exports.version === undefined) {
  throw new Error(`The native half of koffi could not be loaded (${failures.join('; ')})`);
}
