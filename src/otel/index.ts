/** `spanprof/otel`: for SDKs that spanprof cannot link itself to. Importing it has no effect. */
export { SpanprofSpanProcessor } from './span-processor.ts';
