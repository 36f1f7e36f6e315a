// Calls `f` once after the last of several quick calls: typing should not ask the engine at each key.
export function settled<A extends unknown[]>(milliseconds: number, f: (...args: A) => void): (...args: A) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), milliseconds);
  };
}
