/** Something went wrong that the reader can understand from one line. */
export class DemoError extends Error {}

/**
 * Rejects after that time; does not keep the process alive.
 *
 * @param {number} millis
 * @param {string} what did not happen
 * @returns {Promise<never>}
 */
export function late(millis, what) {
  return new Promise((_, reject) => {
    const error = new DemoError(`${what} within ${millis / 1000} s`);
    setTimeout(() => reject(error), millis).unref();
  });
}

/** The message of whatever was thrown, with that of its cause. @param {unknown} error */
export function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
