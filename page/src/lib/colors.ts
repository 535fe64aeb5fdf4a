/** A color for each class, told apart also among hundreds, the same in every view. */

const GOLDEN = 137.508

export function classColor(place: number): string {
  if (place < 0) return 'var(--ink-3)'
  const ring = Math.floor(place / 9) % 3
  const light = [0.66, 0.76, 0.56][ring]!
  return `oklch(${light} 0.15 ${(25 + place * GOLDEN) % 360})`
}
