import { defineConfig } from 'prisma/config';

// Generating the client needs no engine; naming any executable keeps the CLI from trying to download one,
// so that the build works without internet.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });
