/** What is worked out of the points of a map: counts, middles of groups, pictures to show. */

import { NO_VALUE, NOWHERE, unit, type Frame } from './points'

export interface Tally {
  /** Points on the map, by color. */
  total: Uint32Array
  /** Those in the present answer. */
  shown: Uint32Array
  /** Those that are selected. */
  chosen: Uint32Array
}

export function tally(places: Uint16Array, codes: Uint16Array, on: Uint8Array): Tally {
  const found: Tally = {
    total: new Uint32Array(NO_VALUE + 1),
    shown: new Uint32Array(NO_VALUE + 1),
    chosen: new Uint32Array(NO_VALUE + 1),
  }
  for (let at = 0; at < on.length; at++) {
    if (places[2 * at] === NOWHERE) continue
    const code = codes[at] ?? NO_VALUE
    found.total[code]! += 1
    if (on[at]! > 0) found.shown[code]! += 1
    if (on[at] === 2) found.chosen[code]! += 1
  }
  return found
}

const BINS = 256

/** Where the middle of each group is, across and up: medians, so that strays do not pull it away. */
export function middles(
  places: Uint16Array,
  codes: Uint16Array,
  on: Uint8Array,
  groups: number[],
): Map<number, [number, number]> {
  const across = new Map(groups.map((code) => [code, new Uint32Array(BINS)]))
  const up = new Map(groups.map((code) => [code, new Uint32Array(BINS)]))
  for (let at = 0; at < on.length; at++) {
    const one = across.get(codes[at]!)
    if (!one || !on[at] || places[2 * at] === NOWHERE) continue
    one[places[2 * at]! >> 8]! += 1
    up.get(codes[at]!)![places[2 * at + 1]! >> 8]! += 1
  }
  const middle = (bins: Uint32Array) => {
    const half = bins.reduce((sum, one) => sum + one, 0) / 2
    let sum = 0
    for (let bin = 0; bin < BINS; bin++) if ((sum += bins[bin]!) >= half) return (bin + 0.5) * BINS
    return 0
  }
  return new Map(
    groups.map((code) => [code, [unit(middle(across.get(code)!)), unit(middle(up.get(code)!))]]),
  )
}

/**
 * Of each cell of the screen the row nearest to the mean of the points that it shows.
 *
 * Nothing where more points are in view than `most`.
 */
export function medoids(
  places: Uint16Array,
  on: Uint8Array,
  frame: Frame,
  screen: { width: number; height: number },
  cell: number,
  most: number,
): number[] {
  const wide = Math.ceil(screen.width / cell)
  const tall = Math.ceil(screen.height / cell)
  const sums = new Float64Array(3 * wide * tall)
  const rows: number[] = []
  const spots: number[] = []
  for (let at = 0; at < on.length; at++) {
    if (!on[at] || places[2 * at] === NOWHERE) continue
    const x = screen.width / 2 + (unit(places[2 * at]!) - frame.x) * frame.scale
    const y = screen.height / 2 - (unit(places[2 * at + 1]!) - frame.y) * frame.scale
    if (x < 0 || y < 0 || x >= screen.width || y >= screen.height) continue
    if (rows.length === most) return []
    const place = 3 * (Math.floor(y / cell) * wide + Math.floor(x / cell))
    sums[place]! += x
    sums[place + 1]! += y
    sums[place + 2]! += 1
    rows.push(at)
    spots.push(x, y, place)
  }
  const best = new Map<number, [row: number, distance: number]>()
  rows.forEach((row, number) => {
    const [x, y, place] = [spots[3 * number]!, spots[3 * number + 1]!, spots[3 * number + 2]!]
    const count = sums[place + 2]!
    const apart = Math.hypot(x - sums[place]! / count, y - sums[place + 1]! / count)
    const before = best.get(place)
    if (!before || apart < before[1]) best.set(place, [row, apart])
  })
  return [...best.values()].map(([row]) => row)
}
