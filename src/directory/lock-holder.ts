import { readFileSync, statSync } from 'node:fs';

/** The process that holds an exclusive flock(2) on a file, as far as this system and namespace show it. */
export function lockHolder(path: string): number | undefined {
  try {
    const { dev, ino } = statSync(path);
    // the encoding of device numbers in Linux
    const major = (dev >> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    const file = [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
    const line = new RegExp(`FLOCK +ADVISORY +WRITE +(\\d+) +${file}:${ino} `).exec(
      readFileSync('/proc/locks', 'latin1'),
    );
    // a process of another pid namespace has the number 0
    return Number(line?.[1]) || undefined;
  } catch {
    return undefined;
  }
}
