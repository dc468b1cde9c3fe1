/**
 * Times or counts the calls of functions. A function is wrapped by a call, or by a standard decorator (TC39 stage 3,
 * TypeScript 5).
 *
 * A call that returns a promise, or any other object with a `then`, ends when the promise settles.
 */
import { inspect, types } from 'node:util';
import { invalidArgument } from '../errors.js';
import { isThenable } from '../registry/collect-callbacks.js';

export type AnyFunction = (this: any, ...args: any[]) => any;

/** The argument of a decorator: the parts of the standard's contexts that are needed here. */
export interface DecoratorContext {
  readonly kind: string;
  readonly name?: string | symbol;
}

/** Wraps a function, or decorates a method or a field. */
export interface FunctionDecorator {
  <F extends AnyFunction>(fn: F, context?: DecoratorContext): F;
  <F extends AnyFunction>(fn: undefined, context: DecoratorContext): (initial: F) => F;
}

/** Called at the start of a call. The function that it returns is called at the end, with the error if the call failed. */
export type CallObserver = () => (failure?: { readonly error: unknown }) => void;

export interface ExceptionOptions {
  /** Counts only errors that are instances of this class, or of one of these classes. */
  readonly only?: ErrorClass | readonly ErrorClass[];
}

type ErrorClass = abstract new (...args: any[]) => unknown;

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where `only` is not a class or an array of classes */
export function exceptionFilter(only: ExceptionOptions['only']): (error: unknown) => boolean {
  if (only === undefined) return () => true;
  const classes = (Array.isArray(only) ? only : [only]) as readonly ErrorClass[];
  for (const type of classes) {
    if (typeof type === 'function') continue;
    throw invalidArgument(`only is a class or an array of classes, not ${inspect(only)}`);
  }
  return (error) => classes.some((type) => error instanceof type);
}

/** Wraps every call; `this`, arguments, result and errors pass through. */
function observedFunction<F extends AnyFunction>(fn: F, begin: CallObserver): F {
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    const end = begin();
    let result: unknown;
    try {
      result = fn.apply(this, args);
    } catch (error) {
      end({ error });
      throw error;
    }
    if (!isThenable(result)) {
      end();
      return result;
    }
    return result.then(
      (value) => {
        end();
        return value;
      },
      (error: unknown) => {
        end({ error });
        throw error;
      },
    );
  };
  Object.defineProperty(wrapper, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: fn.length, configurable: true });
  return wrapper as F;
}

/** Wraps a function, so that its calls are observed. Without a function, returns the decorator that does so. */
export function observed(begin: CallObserver, fn?: AnyFunction): AnyFunction | FunctionDecorator {
  const decorate = (target: unknown, context?: DecoratorContext): AnyFunction => {
    if (target === undefined && context?.kind === 'field') return (initial: unknown) => decorate(initial);
    assertFunction(target);
    return observedFunction(target, begin);
  };
  return fn === undefined ? (decorate as FunctionDecorator) : decorate(fn);
}

/** Matches the source of a class, which cannot be called, but not a method with the name `class`. */
const CLASS = /^class\b\s*[^\s(]/;

function assertFunction(fn: unknown): asserts fn is AnyFunction {
  if (typeof fn !== 'function' || CLASS.test(Function.prototype.toString.call(fn))) {
    throw invalidArgument(
      `only functions and methods can be observed, not ${inspect(fn)}: give a function, or decorate a method`,
    );
  }
  if (types.isGeneratorFunction(fn)) {
    throw invalidArgument(
      `${inspect(fn)} cannot be observed, since its calls return before its work begins: observe the function that iterates over it`,
    );
  }
}
