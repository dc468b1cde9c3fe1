import type { Attributes } from '@opentelemetry/api';

/** Label values by label name. */
export type AttributeLabels = Map<string, string>;

/**
 * Returns the labels of attributes. Attributes that become the same label have their values joined by `;`, in the order of
 * their names.
 */
export function labelsOf(attributes: Attributes, nameOf: (key: string) => string): AttributeLabels {
  const labels: AttributeLabels = new Map();
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
