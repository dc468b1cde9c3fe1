/** Formats numbers for people. */

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const DURATION_UNITS = [
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [1e-9, 'ns'],
];
const PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

const whole = new Intl.NumberFormat('en');

export function count(value) {
  return whole.format(value);
}

export function bytes(value) {
  let unit = 0;
  let shown = value;
  for (; Math.abs(shown) >= 1024 && unit < BYTE_UNITS.length - 1; unit++) shown /= 1024;
  return `${unit === 0 ? Math.round(shown) : threeDigits(shown)} ${BYTE_UNITS[unit]}`;
}

/** 0.034 is 3 %. */
export function percent(share) {
  return share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`;
}

/** A duration, such as that of a scrape. */
export function seconds(value) {
  if (value === 0) return '0 s';
  const [size, unit] = DURATION_UNITS.find(([least]) => Math.abs(value) >= least) ?? DURATION_UNITS[3];
  return `${threeDigits(value / size)} ${unit}`;
}

/** An elapsed time, in its two largest units. */
export function age(value) {
  if (!Number.isFinite(value)) return '–';
  const passed = Math.max(0, Math.floor(value));
  const [days, hours, minutes] = [
    Math.floor(passed / 86400),
    Math.floor(passed / 3600) % 24,
    Math.floor(passed / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${passed % 60} s` : `${passed} s`;
}

/** A value of a metric in the base unit that the metric's name ends with. */
export function metricValue(value, metric, perSecond) {
  if (value === null || value === undefined) return '–';
  const rate = perSecond ? '/s' : '';
  if (metric.endsWith('_percent') && !perSecond) return `${short(value)} %`;
  if (isBytes(metric)) return bytes(value) + rate;
  // seconds per second have no unit
  if (/_seconds(?:_total)?$/.test(metric) && !perSecond) return seconds(value);
  return short(value) + rate;
}

export function isBytes(metric) {
  return /_bytes(?:_total)?$/.test(metric);
}

/** 12.3 k */
export function short(value) {
  const prefix = PREFIXES.find(([size]) => Math.abs(value) >= size);
  return prefix === undefined ? threeDigits(value) : `${threeDigits(value / prefix[0])} ${prefix[1]}`;
}

function threeDigits(value) {
  return String(Number(Number(value).toPrecision(3)));
}
