import type { OptionEntry } from '../src/config/schema.ts';
import type { TelemetryKey } from '../src/config/telemetry.ts';
import type { ErrorCode } from '../src/errors.ts';

export interface ConfigurationSource {
  readonly options: readonly OptionEntry[];
  readonly telemetryKeys: readonly TelemetryKey[];
  readonly keptTables: readonly string[];
}

/** The text of docs/configuration.md. */
export function renderConfiguration(source: ConfigurationSource): string;

/** The text of docs/errors.md. */
export function renderErrors(
  errors: Readonly<Record<ErrorCode, { readonly message: string; readonly remedy: string }>>,
): string;
