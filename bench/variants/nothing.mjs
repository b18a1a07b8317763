export const wrap = (_labels, fn) => fn();
