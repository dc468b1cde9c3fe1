import type { Attributes } from '@opentelemetry/api';

/**
 * Returns the label values of attributes by label name. Attributes that become the same label have their values joined by `;`,
 * in the order of their names.
 */
export function labelsOf(attributes: Attributes, nameOf: (key: string) => string): Map<string, string> {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).toSorted()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const name = nameOf(key);
    const other = labels.get(name);
    labels.set(name, other === undefined ? labelText(value) : `${other};${labelText(value)}`);
  }
  return labels;
}

/** Arrays, and what else the types do not allow, become JSON. */
function labelText(value: unknown): string {
  if (typeof value !== 'object') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return '[object]';
  }
}
