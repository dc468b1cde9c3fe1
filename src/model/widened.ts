type Column = Int32Array | Float64Array | Uint16Array;

/** Returns a copy with room for more numbers, which are 0. @param length default: twice the length */
export function widened<T extends Column>(array: T, length = 2 * array.length): T {
  const wider = new (array.constructor as new (length: number) => T)(length);
  wider.set(array);
  return wider;
}
