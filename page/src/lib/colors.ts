/** A color for each class, told apart also among hundreds, the same in every view. */

const GOLDEN = 137.508

/** Hues by the golden angle; every nine another lightness, every 54 another strength. */
export function classColor(place: number): string {
  if (place < 0) return 'var(--ink-3)'
  const ring = Math.floor(place / 9)
  const light = [0.66, 0.76, 0.56, 0.84, 0.47, 0.71][ring % 6]!
  const strong = [0.15, 0.09][Math.floor(ring / 6) % 2]!
  return `oklch(${light} ${strong} ${(25 + place * GOLDEN) % 360})`
}

/** A color for a share from 0 to 1: from dark blue over green to yellow, also told apart in grey. */
export function rampColor(share: number): string {
  return `oklch(${0.38 + 0.5 * share} ${0.11 + 0.04 * share} ${275 - 175 * share})`
}
