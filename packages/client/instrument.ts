// Watching functions: wrappers, decorators and disposables made of one beginning and one end.

// biome-ignore lint/suspicious/noExplicitAny: a wrapper takes any function and gives back one of the same type
type AnyFunction = (...args: any[]) => any;

/** Ends what was begun. `failed` with what was thrown. */
export type End = (failed: boolean, error: unknown, result: unknown) => void;

/** Wraps a function: `begin` is called before each call, what it returns after it (of a promise: when it is settled). */
export function wrap<F extends AnyFunction>(fn: F, begin: (args: readonly unknown[]) => End): F {
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    const end = begin(args);
    let result: unknown;
    try {
      result = fn.apply(this, args);
    } catch (error) {
      end(true, error, undefined);
      throw error;
    }
    if (!isThenable(result)) {
      end(false, undefined, result);
      return result;
    }
    return result.then(
      (value) => {
        end(false, undefined, value);
        return value;
      },
      (error: unknown) => {
        end(true, error, undefined);
        throw error;
      },
    );
  };
  Object.defineProperty(wrapped, "name", { value: fn.name, configurable: true });
  Object.defineProperty(wrapped, "length", { value: fn.length, configurable: true });
  return wrapped as F;
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Wraps a function, or decorates a method, by the decorators of the standard or by the older ones of TypeScript. */
export interface Decorator {
  <F extends AnyFunction>(fn: F, context?: ClassMethodDecoratorContext): F;
  (target: object, key: string | symbol, descriptor: PropertyDescriptor): PropertyDescriptor;
}

/** Makes a decorator of what wraps a function. */
export function decorator(wrapper: <F extends AnyFunction>(fn: F) => F): Decorator {
  return ((first: unknown, _context: unknown, descriptor?: PropertyDescriptor) => {
    if (typeof first === "function" && descriptor === undefined) return wrapper(first as AnyFunction);
    if (typeof descriptor?.value !== "function") throw new TypeError("only functions and methods can be decorated");
    descriptor.value = wrapper(descriptor.value as AnyFunction);
    return descriptor;
  }) as Decorator;
}

/** Node 18 and old browsers have no such symbol; then nobody can write `using` either. */
export const DISPOSE: typeof Symbol.dispose = (Symbol.dispose ??
  Symbol.for("Symbol.dispose")) as unknown as typeof Symbol.dispose;
