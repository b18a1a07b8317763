/** As deep as Go's profiles; V8's default of 16 cuts off who called the library. */
export const HEAP_STACK_DEPTH = 64;
