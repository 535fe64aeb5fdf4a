/** Justified rows: every row fills the width, and pictures keep their shape. */

export interface Layout {
  /** First picture of each row; one more at the end. */
  starts: Uint32Array
  /** Upper edge of each row; one more at the end, the height of all. */
  tops: Float64Array
  /** Height of the pictures of each row, without the caption. */
  heights: Float32Array
  rows: number
  gap: number
  caption: number
}

/** Width over height of each code that the server sends. */
export const ASPECTS = Float32Array.from({ length: 256 }, (_, code) => 2 ** ((code - 128) / 32))

const NARROWEST = 0.4
const WIDEST = 3

/** The shape that a picture is shown in; very long ones are cut. */
export function shown(code: number): number {
  return Math.min(Math.max(ASPECTS[code]!, NARROWEST), WIDEST)
}

export function justify(
  shapes: Uint8Array,
  width: number,
  target: number,
  gap: number,
  caption: number,
): Layout {
  const count = shapes.length
  const starts = new Uint32Array(count + 1)
  const tops = new Float64Array(count + 1)
  const heights = new Float32Array(count)
  let rows = 0
  let top = 0
  let first = 0
  while (first < count) {
    let sum = 0
    let behind = first
    let height = Infinity
    while (behind < count && height > target) {
      sum += shown(shapes[behind]!)
      behind += 1
      height = (width - gap * (behind - first - 1)) / sum
    }
    if (height > target) {
      height = target // the last row need not fill the width
    } else if (behind - first > 1) {
      // without its last picture the row may come nearer to the height that was asked for
      const before = (width - gap * (behind - first - 2)) / (sum - shown(shapes[behind - 1]!))
      if (before - target < target - height) {
        behind -= 1
        height = before
      }
    }
    starts[rows] = first
    tops[rows] = top
    heights[rows] = height
    rows += 1
    top += height + caption + gap
    first = behind
  }
  starts[rows] = count
  tops[rows] = top
  return { starts, tops, heights, rows, gap, caption }
}

/** The row at a height. */
export function rowAt(layout: Layout, y: number): number {
  let low = 0
  let high = layout.rows
  while (low < high) {
    const middle = (low + high) >> 1
    if (layout.tops[middle + 1]! <= y) low = middle + 1
    else high = middle
  }
  return Math.min(low, Math.max(layout.rows - 1, 0))
}

/** The row of a picture. */
export function rowOf(layout: Layout, picture: number): number {
  let low = 0
  let high = layout.rows
  while (low < high) {
    const middle = (low + high) >> 1
    if (layout.starts[middle + 1]! <= picture) low = middle + 1
    else high = middle
  }
  return low
}
