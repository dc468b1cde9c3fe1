/** Declarations of metrics, for tests of stores and files. */
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';

export function counter(name: string, labelNames: readonly string[] = []): FamilyDeclaration {
  return { name, help: `Help of ${name}`, type: 'counter', labelNames };
}

export function gauge(name: string, gaugeMode: string, labelNames: readonly string[] = []): FamilyDeclaration {
  return { name, help: `Help of ${name}`, type: 'gauge', labelNames, gaugeMode };
}

export function histogram(
  name: string,
  bounds: readonly number[],
  labelNames: readonly string[] = [],
): FamilyDeclaration {
  return { name, help: `Help of ${name}`, type: 'histogram', labelNames, bounds };
}
