/**
 * Functions whose calls are timed or counted: wrapped by hand, or by a standard decorator (TC39 stage 3, TypeScript 5).
 *
 * A call that answers with a promise, or anything else with a `then`, ends when that settles.
 */
import { inspect, types } from 'node:util';
import { PromMultiprocError } from '../errors.js';

export type AnyFunction = (this: any, ...args: any[]) => any;

/** What a decorator is told; of the standard's contexts what is needed here. */
export interface DecoratorContext {
  readonly kind: string;
  readonly name?: string | symbol;
}

/** Wraps a function, or a method or field as a decorator. */
export interface FunctionDecorator {
  <F extends AnyFunction>(fn: F, context?: DecoratorContext): F;
  <F extends AnyFunction>(fn: undefined, context: DecoratorContext): (initial: F) => F;
}

/** Called when a call begins; what it answers with is called when that ends, with what was thrown, if anything was. */
export type CallObserver = () => (failure?: { readonly error: unknown }) => void;

export interface ExceptionOptions {
  /** Counts only what is an instance of this class, or of one of these. */
  readonly only?: ErrorClass | readonly ErrorClass[];
}

type ErrorClass = abstract new (...args: any[]) => unknown;

/** Whether something thrown counts. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where `only` is not of classes */
export function exceptionFilter(only: ExceptionOptions['only']): (error: unknown) => boolean {
  if (only === undefined) return () => true;
  const classes = (Array.isArray(only) ? only : [only]) as readonly ErrorClass[];
  for (const type of classes) {
    if (typeof type === 'function') continue;
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `only is a class or an array of classes, not ${inspect(only)}`,
    );
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

/** The decorator that wraps so. */
export function functionDecorator(begin: CallObserver): FunctionDecorator {
  const decorate = (fn: unknown, context?: DecoratorContext): AnyFunction => {
    if (fn === undefined && context?.kind === 'field') return (initial: unknown) => decorate(initial);
    assertFunction(fn);
    return observedFunction(fn, begin);
  };
  return decorate as FunctionDecorator;
}

/** Times the calls of a function, or, where none is given, is the decorator that does. */
export function timedCalls(startTimer: () => () => unknown, fn?: AnyFunction): AnyFunction | FunctionDecorator {
  const decorator = functionDecorator(() => {
    const stop = startTimer();
    return () => void stop();
  });
  return fn === undefined ? decorator : decorator(fn);
}

/** A class is a function that cannot be called; a method may have its name. */
const CLASS = /^class\b\s*[^\s(]/;

function assertFunction(fn: unknown): asserts fn is AnyFunction {
  if (typeof fn !== 'function' || CLASS.test(Function.prototype.toString.call(fn))) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `only functions and methods can be observed, not ${inspect(fn)}: give a function, or decorate a method`,
    );
  }
  if (types.isGeneratorFunction(fn)) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `${inspect(fn)} cannot be observed, for its calls end before its work begins: observe the function that goes through it`,
    );
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
