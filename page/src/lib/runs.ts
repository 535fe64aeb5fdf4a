/** Masks as run lengths, column by column, in the text form of COCO. */

const FIRST = 48
const MORE = 0x20
const SIGN = 0x10

/** A mask of a whole picture: where its runs end, background first. */
export class Mask {
  private constructor(
    readonly ends: Uint32Array,
    readonly width: number,
    readonly height: number,
  ) {}

  /** The mask that a code means; null where it is no code of such a picture. */
  static read(code: string, width: number, height: number): Mask | null {
    const counts: number[] = []
    let value = 0
    let shift = 0
    for (let at = 0; at < code.length; at++) {
      const part = code.charCodeAt(at) - FIRST
      if (part < 0 || part > 63) return null
      value += (part & 0x1f) * 2 ** shift
      shift += 5
      if (part & MORE) continue
      if (part & SIGN) value -= 2 ** shift
      counts.push(value + (counts.length > 2 ? counts[counts.length - 2]! : 0))
      value = shift = 0
    }
    const ends = new Uint32Array(counts.length)
    let sum = 0
    for (let at = 0; at < counts.length; at++) ends[at] = sum += counts[at]!
    return sum === width * height ? new Mask(ends, width, height) : null
  }

  /** The mask of a byte a pixel, column by column. */
  static of(pixels: Uint8Array, width: number, height: number): Mask {
    const ends: number[] = []
    let now = 0
    for (let at = 0; at < pixels.length; at++) {
      if (pixels[at] === now) continue
      ends.push(at)
      now = 1 - now
    }
    ends.push(pixels.length)
    return new Mask(Uint32Array.from(ends), width, height)
  }

  get code(): string {
    const counts = Array.from(this.ends, (end, at) => end - (at ? this.ends[at - 1]! : 0))
    let text = ''
    for (let at = 0; at < counts.length; at++) {
      let value = counts[at]! - (at > 2 ? counts[at - 2]! : 0)
      for (let more = true; more; ) {
        const low = value & 0x1f
        value >>= 5
        more = value !== (low & SIGN ? -1 : 0)
        text += String.fromCharCode(low + (more ? MORE : 0) + FIRST)
      }
    }
    return text
  }

  get empty(): boolean {
    return this.ends.length < 2 || (this.ends.length === 2 && this.ends[0] === this.ends[1])
  }

  get pixels(): Uint8Array {
    const found = new Uint8Array(this.width * this.height)
    for (let at = 1; at < this.ends.length; at += 2) found.fill(1, this.ends[at - 1], this.ends[at])
    return found
  }

  /** The first run that ends behind a pixel. */
  private runAt(pixel: number): number {
    let low = 0
    let high = this.ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.ends[middle]! > pixel) high = middle
      else low = middle + 1
    }
    return low
  }

  holds(x: number, y: number): boolean {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return false
    return this.runAt(Math.floor(x) * this.height + Math.floor(y)) % 2 === 1
  }

  /** What a column holds: first and behind the last row of each run. */
  *column(x: number): Generator<[number, number]> {
    const begin = x * this.height
    for (let at = this.runAt(begin); at < this.ends.length; at++) {
      const first = Math.max(at ? this.ends[at - 1]! : 0, begin) - begin
      if (first >= this.height) return
      if (at % 2) yield [first, Math.min(this.ends[at]! - begin, this.height)]
    }
  }

  /** Left, top, width and height of what it holds. */
  get box(): [number, number, number, number] {
    let [left, top, right, bottom] = [this.width, this.height, 0, 0]
    for (let at = 1; at < this.ends.length; at += 2) {
      const first = this.ends[at - 1]!
      const last = this.ends[at]! - 1
      if (last < first) continue
      const [x0, x1] = [Math.floor(first / this.height), Math.floor(last / this.height)]
      left = Math.min(left, x0)
      right = Math.max(right, x1 + 1)
      top = Math.min(top, x0 === x1 ? first % this.height : 0)
      bottom = Math.max(bottom, x0 === x1 ? (last % this.height) + 1 : this.height)
    }
    return right > left ? [left, top, right - left, bottom - top] : [0, 0, 0, 0]
  }
}

/** Set all pixels whose middle is at most `radius` from the way between two places. */
export function stroke(
  pixels: Uint8Array,
  size: { width: number; height: number },
  from: { x: number; y: number },
  to: { x: number; y: number },
  radius: number,
  value: 0 | 1,
): void {
  const left = Math.max(Math.floor(Math.min(from.x, to.x) - radius), 0)
  const right = Math.min(Math.ceil(Math.max(from.x, to.x) + radius), size.width)
  const top = Math.max(Math.floor(Math.min(from.y, to.y) - radius), 0)
  const bottom = Math.min(Math.ceil(Math.max(from.y, to.y) + radius), size.height)
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const long = dx * dx + dy * dy
  for (let x = left; x < right; x++)
    for (let y = top; y < bottom; y++) {
      const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y]
      const along = long ? Math.min(Math.max((px * dx + py * dy) / long, 0), 1) : 0
      const [ex, ey] = [px - along * dx, py - along * dy]
      if (ex * ex + ey * ey <= radius * radius) pixels[x * size.height + y] = value
    }
}
