import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from './config.ts';

/** Injection tokens: `@Inject(API_CONFIG) private readonly config: ApiConfig`. */
export const CONFIG = Symbol('CONFIG');
export const API_CONFIG = Symbol('API_CONFIG');
export const LINK_CONFIG = Symbol('LINK_CONFIG');

@Global()
@Module({})
export class ConfigModule {}

/** The configuration for everybody; the role's own token exists only in a process of that role. */
export function configModule(config: Config): DynamicModule {
  const token = config.role === 'api' ? API_CONFIG : LINK_CONFIG;
  return {
    module: ConfigModule,
    providers: [
      { provide: CONFIG, useValue: config },
      { provide: token, useExisting: CONFIG },
    ],
    exports: [CONFIG, token],
  };
}
