// Registers module hooks, as loaders of TypeScript and instrumentation do.
import { register } from 'node:module';

register('data:text/javascript,export async function resolve(s, c, n) { return n(s, c); }');
await import('node:os');
console.log('loaded');
