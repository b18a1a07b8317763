import { findSourceMap } from 'node:module';
import path from 'node:path';
import { BoundedCache } from './bounded-cache.ts';
import { LoadBudget } from './load-budget.ts';
import { type LoadResult, loadMapOf, MAX_MAP_FILE_BYTES } from './map-reader.ts';
import { type OriginalMap, readOriginalMap } from './original-map.ts';
import { scriptPath } from './paths.ts';

/** A position in a source file. */
export interface SourcePosition {
  /** Absolute path, or the URL the map gives (`webpack://…`). */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based; 0 if unknown. */
  readonly column: number;
  /** The function's original name, only where the map gives it beyond doubt. */
  readonly name?: string;
}

export interface SourceMapsOptions {
  /** Memory for loaded maps, in bytes. A map takes about 6 bytes a segment. Default 16 MiB. */
  readonly maxBytes?: number;
  /** Number of maps kept. Default 1,024. */
  readonly maxFiles?: number;
  /** Maps on disk above this are not read. Default 32 MiB. */
  readonly maxMapFileBytes?: number;
  /**
   * Time for loading maps in any minute, in milliseconds; what does not fit is tried again later.
   * Files in `node_modules` may use a quarter of it. Default 250.
   */
  readonly budgetMillis?: number;
  /** A monotonic clock in milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/** What became of the scripts asked about, each counted when it was looked at. */
export interface SourceMapsStats {
  /** Maps read, including those read again after they had been pushed out. */
  readonly loaded: number;
  /** Maps found but malformed or unreadable. */
  readonly failed: number;
  /** Maps left out because they are too large. */
  readonly skipped: number;
  /** Scripts that name a map which is not there. */
  readonly missing: number;
  /** Questions left unanswered because the time for loading was used up. */
  readonly deferred: number;
  /** Maps pushed out of the cache. */
  readonly evicted: number;
  readonly cachedMaps: number;
  readonly cachedBytes: number;
  /** The reason of the last failure, with the script it was about. */
  readonly lastError: string | undefined;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const DEFAULT_MAX_FILES = 1_024;
const DEFAULT_BUDGET_MILLIS = 250;

/** Scripts known to have no map: a path each, so many fit; beyond that the oldest is looked at again. */
const MAX_SCRIPTS_WITHOUT_MAP = 8_192;

/** The application's own files come first. */
const DEPENDENCY_SHARE = 0.25;

/**
 * From generated positions to the ones people wrote. Everything is lazy: a script's map is looked
 * for when the first position in it is asked, so programs without maps pay one short read a file.
 * Synchronous, because profiles are also built while the process exits.
 */
export class SourceMaps {
  readonly #maps: BoundedCache<OriginalMap>;
  readonly #withoutMap = new BoundedCache<true>(MAX_SCRIPTS_WITHOUT_MAP, Number.POSITIVE_INFINITY);
  readonly #budget: LoadBudget;
  readonly #maxMapFileBytes: number;
  #loaded = 0;
  #failed = 0;
  #skipped = 0;
  #missing = 0;
  #deferred = 0;
  #lastError: string | undefined;

  constructor(options: SourceMapsOptions = {}) {
    this.#maps = new BoundedCache(
      options.maxFiles ?? DEFAULT_MAX_FILES,
      options.maxBytes ?? DEFAULT_MAX_BYTES,
    );
    this.#budget = new LoadBudget(
      options.budgetMillis ?? DEFAULT_BUDGET_MILLIS,
      options.now ?? (() => performance.now()),
    );
    this.#maxMapFileBytes = options.maxMapFileBytes ?? MAX_MAP_FILE_BYTES;
  }

  /**
   * The original position of a generated one, or undefined when there is none, or when the original
   * is on the web, where no tool opens it but the generated file is here. Never throws.
   *
   * `file` is the script as V8 names it. `line` and `column` are 1-based. Column 0 means unknown:
   * then the first mapped position of the line is given with column 0, unless the line holds code
   * of several sources or is minified, where that would be a guess.
   *
   * `functionName` is for positions of *functions* as V8 reports them (the bracket after the name)
   * and asks for the original name. The `names` of a map belong to identifiers, not to functions:
   * at a call they name the callee, at an arrow function some neighbour. So a name is given only
   * where the mapped identifier ends right at the position and is exactly as long as V8's name,
   * which means that it is the function's own identifier; otherwise V8's name is the better one.
   */
  resolve(
    file: string,
    line: number,
    column: number,
    functionName?: string,
  ): SourcePosition | undefined {
    if (!(line >= 1)) return undefined;
    const map = this.#mapOf(file);
    if (map === undefined) return undefined;
    if (!(column >= 1)) {
      const first = map.find(line - 1, undefined);
      if (first === undefined || isRemote(first.file)) return undefined;
      return { file: first.file, line: first.line + 1, column: 0 };
    }
    const found = map.find(line - 1, column - 1);
    if (found === undefined || isRemote(found.file)) return undefined;
    const position = { file: found.file, line: found.line + 1, column: found.column + 1 };
    const name =
      functionName === undefined
        ? undefined
        : originalName(map, line - 1, column - 1, functionName);
    return name === undefined ? position : { ...position, name };
  }

  stats(): SourceMapsStats {
    return {
      loaded: this.#loaded,
      failed: this.#failed,
      skipped: this.#skipped,
      missing: this.#missing,
      deferred: this.#deferred,
      evicted: this.#maps.evicted,
      cachedMaps: this.#maps.size,
      cachedBytes: this.#maps.weight,
      lastError: this.#lastError,
    };
  }

  #mapOf(file: string): OriginalMap | undefined {
    const known = this.#maps.get(file);
    if (known !== undefined) return known;
    if (this.#withoutMap.get(file) === true) return undefined;
    const script = scriptPath(file);
    if (script === undefined) return undefined;
    if (!this.#budget.allows(isDependency(script) ? DEPENDENCY_SHARE : 1)) {
      this.#deferred += 1;
      return undefined;
    }
    const result = this.#budget.charge(() => load(file, script, this.#maxMapFileBytes));
    const map = this.#count(file, result);
    if (map === undefined) this.#withoutMap.set(file, true, 0);
    return map;
  }

  /** Counts one result and caches the map if there is one. */
  #count(file: string, result: LoadResult): OriginalMap | undefined {
    switch (result.kind) {
      case 'loaded':
        if (!this.#maps.set(file, result.map, result.map.bytes)) {
          this.#skipped += 1;
          return undefined;
        }
        this.#loaded += 1;
        return result.map;
      case 'malformed':
        this.#failed += 1;
        this.#lastError = `${file}: ${result.reason}`;
        return undefined;
      case 'oversized':
        this.#skipped += 1;
        return undefined;
      case 'missing':
        this.#missing += 1;
        return undefined;
      case 'absent':
        return undefined;
    }
  }
}

function isRemote(file: string): boolean {
  return /^https?:/.test(file);
}

function load(file: string, script: string, maxMapFileBytes: number): LoadResult {
  const result = loadMapOf(script, maxMapFileBytes);
  return result.kind === 'absent' ? (mapInMemory(file, script) ?? result) : result;
}

/**
 * The map of a script that was compiled while it was loaded (ts-node, tsx, a test runner): it is
 * not on disk, but Node keeps it when source maps are switched on in the process.
 */
function mapInMemory(file: string, script: string): LoadResult | undefined {
  if (process.sourceMapsEnabled !== true) return undefined;
  try {
    const payload: unknown = findSourceMap(file)?.payload;
    if (payload === undefined) return undefined;
    return { kind: 'loaded', map: readOriginalMap(payload, path.dirname(script)) };
  } catch (error) {
    return { kind: 'malformed', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The original name of the function whose parameters begin at a position; see `resolve`. */
function originalName(
  map: OriginalMap,
  line: number,
  column: number,
  functionName: string,
): string | undefined {
  const start = column - functionName.length;
  if (functionName === '' || start < 0) return undefined;
  const identifier = map.find(line, start);
  return identifier?.generatedColumn === start ? identifier.name : undefined;
}

function isDependency(script: string): boolean {
  return script.includes('node_modules');
}
