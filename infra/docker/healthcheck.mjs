// For a container's HEALTHCHECK: exits with 0 when the program in it is ready. It speaks to this container alone.
//
//   node healthcheck.mjs PORT PATH

const [port, path] = process.argv.slice(2);
try {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(4_000) });
  process.exit(response.ok ? 0 : 1);
} catch {
  process.exit(1);
}
