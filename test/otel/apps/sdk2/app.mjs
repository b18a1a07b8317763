import { context, propagation, trace } from '@opentelemetry/api';
import { serveThousand } from '../thousand.mjs';
import { sdk } from './sdk.mjs';

await serveThousand({ context, propagation, trace });
await sdk.shutdown();
