import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ModulesContainer, Reflector } from '@nestjs/core';
import { ACCESS, type Access } from '../auth/access.decorators.ts';
import { type Contract, contractOf } from './contract.ts';

export interface Route {
  /** Lower case: `get`, `post`. */
  method: string;
  /** `/v1/devices/{id}` */
  path: string;
  access: Access | undefined;
  contract: Contract;
  /** `DevicesController.list` */
  handler: string;
  /** The feature: the first part of the path after the version. */
  tag: string;
}

/** Every route below /v1 that this process serves, read from the controllers themselves. */
export function collectRoutes(modules: ModulesContainer): Route[] {
  const reflector = new Reflector();
  const scanner = new MetadataScanner();
  const routes = new Map<string, Route>();
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      if (typeof metatype !== 'function') continue;
      const prototype: object = metatype.prototype;
      for (const name of scanner.getAllMethodNames(prototype)) {
        const handler: unknown = Reflect.get(prototype, name);
        if (typeof handler !== 'function') continue;
        const method = reflector.get<RequestMethod | undefined>(METHOD_METADATA, handler);
        if (method === undefined) continue;
        const path = joinPath(
          reflector.get<string>(PATH_METADATA, metatype),
          reflector.get<string>(PATH_METADATA, handler),
        );
        if (!path.startsWith('/v1/')) continue;
        const verb = (RequestMethod[method] ?? 'all').toLowerCase();
        routes.set(`${verb} ${path}`, {
          method: verb,
          path,
          access: reflector.getAllAndOverride<Access | undefined>(ACCESS, [handler, metatype]),
          contract: contractOf(prototype, name),
          handler: `${metatype.name}.${name}`,
          tag: path.split('/')[2] ?? '',
        });
      }
    }
  }
  return [...routes.values()].sort((one, other) =>
    one.path < other.path ? -1 : one.path > other.path ? 1 : 0,
  );
}

function joinPath(controller: string, handler: string): string {
  const parts = [controller, handler].flatMap((path) => path.split('/')).filter((part) => part !== '');
  return `/${parts.map((part) => (part.startsWith(':') || part.startsWith('*') ? `{${part.slice(1)}}` : part)).join('/')}`;
}
