import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const config: NextConfig = {
  // `npm run build` runs the type checker itself, before this; the compiler has no API that Next could call.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  reactStrictMode: true,
  // The proxy in front compresses where it is wanted; this server sits beside the browser or behind a balancer.
  compress: true,
  devIndicators: false,
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
};

export default config;
