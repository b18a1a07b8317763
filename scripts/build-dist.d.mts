/** What users, Node or our own processes name by path: files of `dist/`, without ending. */
export const ENTRIES: readonly string[];
/** `modules`: where the compiled sources go one by one. */
export function buildDist(folders: { dist: string; modules: string }): Promise<void>;
