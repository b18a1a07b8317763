/** The checkout. */
export const root: string;
/** Major → exact version. */
export const versions: Readonly<Record<string, string>>;
/** The majors, oldest first. */
export const majors: readonly number[];
/** The path of the binary; installs it first if needed. */
export function nodeBinary(major: number): string;
/** The folder that holds `node.h`; installs it first if needed. */
export function nodeHeaders(major: number): string;
/** Installs one Node unless it is there at the exact version; returns the folder of the release. */
export function ensureNode(major: number): string;
