export interface Started {
  readonly url: string;
  stop(): Promise<void>;
}
export function startPyroscope(flags?: readonly string[]): Promise<Started>;
export function startStrictReceiver(): Promise<Started>;
