/**
 * Node's own modules that a start does not need, loaded where they are used. An `import` of
 * `node:crypto` takes some 8 ms, as it computes every export, and most services load it anyway later;
 * of `node:tls` 4 ms; of `node:zlib` and `node:child_process` 2 ms.
 */
export const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');
export const tls = (): typeof import('node:tls') => process.getBuiltinModule('node:tls');
export const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');
export const childProcess = (): typeof import('node:child_process') =>
  process.getBuiltinModule('node:child_process');
