import { z } from 'zod';

/** A field name of RFC 9110 §5.1. */
const HeaderName = z.string().regex(/^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/);
/** How a message is carried, and where it goes: a value in one of these would change what is asked for. */
const NEVER_A_PLACE =
  /^(?:host|content-.*|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|range|if-range|accept-encoding|sec-websocket-.*|http2-settings|max-forwards)$/;
const ParameterName = z.string().min(1).max(128);

/** One place of a request that a sealed value may be put in. */
export const SecretPlace = z.union([
  z.strictObject({
    header: HeaderName.refine((name) => !NEVER_A_PLACE.test(name), 'this header is not for credentials'),
    /** What stands before it, such as `Bearer`; RFC 9110 §11.1. */
    scheme: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/)
      .optional(),
  }),
  z.strictObject({ query: ParameterName }),
  /** RFC 6901, to a string. */
  z.strictObject({
    json: z
      .string()
      .max(256)
      .regex(/^(?:\/(?:[^~/]|~[01])*)+$/),
  }),
  /** Of `application/x-www-form-urlencoded`. */
  z.strictObject({ form: ParameterName }),
  /** RFC 7617. */
  z.strictObject({ basic: z.enum(['username', 'password']) }),
]);
export type SecretPlace = z.infer<typeof SecretPlace>;

/** An exact name or address, or `*.` and a name of two labels or more; port 443 unless one is written. */
const BoundHost = z
  .string()
  .max(261)
  .regex(
    /^(?:\*\.(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*|(?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?$/,
  );

/**
 * What a sealed value may be used for, where it is no key of a known provider. Everything that is named has to be as
 * it says; what is left out is not limited.
 */
export const SecretUse = z.strictObject({
  hosts: z.array(BoundHost).min(1).max(16),
  methods: z
    .array(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']))
    .min(1)
    .max(8)
    .optional(),
  /** Globs: `*` and `?` within one part, `**` for any number of parts. */
  paths: z
    .array(
      z
        .string()
        .max(512)
        .regex(/^\/[\x21-\x7e]*$/)
        .refine((path) => !/[\\#%]|\/\/|\/\.{1,2}(?:\/|$)/.test(path), 'not a path in its shortest form'),
    )
    .min(1)
    .max(32)
    .optional(),
  in: z.array(SecretPlace).min(1).max(8),
  maxUses: z.int().min(1).max(1_000_000_000).optional(),
  expires: z.iso.datetime({ offset: true }).optional(),
});
export type SecretUse = z.infer<typeof SecretUse>;

/** Stands where the name of a provider does, for a value that has a {@link SecretUse} instead. */
export const ANY_API = 'api';
