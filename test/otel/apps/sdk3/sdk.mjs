/** The application's telemetry: `@opentelemetry/sdk-node` with what the environment says. */
import { NodeSDK } from '@opentelemetry/sdk-node';

export const sdk = new NodeSDK({ instrumentations: [] });
sdk.start();
