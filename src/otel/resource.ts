import type { Attributes } from '@opentelemetry/api';

/** Reads OTEL_RESOURCE_ATTRIBUTES (`key=value,key=value`, percent-encoded) and OTEL_SERVICE_NAME. */
export function resourceOfEnvironment(env: NodeJS.ProcessEnv = process.env): Attributes {
  const attributes: Attributes = {};
  for (const pair of (env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) attributes[decoded(pair.slice(0, at).trim())] = decoded(pair.slice(at + 1).trim());
  }
  if (env.OTEL_SERVICE_NAME) attributes['service.name'] = env.OTEL_SERVICE_NAME;
  return attributes;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
