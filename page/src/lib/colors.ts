/** A color for each class, told apart also among hundreds, the same in every view. */

const GOLDEN = 137.508

export function classColor(place: number): string {
  if (place < 0) return 'var(--ink-3)'
  const ring = Math.floor(place / 9) % 3
  const light = [0.66, 0.76, 0.56][ring]!
  return `oklch(${light} 0.15 ${(25 + place * GOLDEN) % 360})`
}

/** A color for a share from 0 to 1: from dark blue over green to yellow, also told apart in grey. */
export function rampColor(share: number): string {
  return `oklch(${0.38 + 0.5 * share} ${0.11 + 0.04 * share} ${275 - 175 * share})`
}
