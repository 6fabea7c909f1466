export { applyMigrations, type MigrationOptions } from './apply-migrations.ts';
export { createDatabase, databaseExists, dropDatabase, roleUrls } from './databases.ts';
export {
  DATABASE_ROLES,
  type DatabaseRole,
  prepareRoles,
  type RolePasswords,
  randomRolePasswords,
} from './roles.ts';
