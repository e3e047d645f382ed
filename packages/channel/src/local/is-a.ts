/** The name of the type of `value`, also of a subclass of the caller's. */
export function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether `value` is a `Type`, also of another realm (`vm`, an iframe), whose types are others of the same names. */
export function isA<T>(value: object, Type: new () => T, kind: string = kindOf(value)): value is T & object {
  return value instanceof Type || kind === Type.name;
}
