/** Places of objects in a picture, in its pixels, and how they are moved, pulled and turned. */

import type { Annotation } from './api'
import { Mask } from './runs'

export type Place = [x: number, y: number, width: number, height: number]
export interface Point {
  x: number
  y: number
}
export type Kind = 'box' | 'rotated_box' | 'polygon' | 'mask'

export interface Shape {
  /** The same for as long as the picture is open. */
  key: string
  /** None until the server has it. */
  id: string | null
  /** When it was last changed, as the server said. */
  time: string | null
  kind: Kind
  label: string
  box: Place
  rings: number[][]
  mask: Mask | null
  track: boolean
}

/** What is drawn and has no class yet. */
export interface Draft {
  kind: Kind
  box: Place
  rings: number[][]
  mask: Mask | null
}

const KINDS = new Set(['box', 'rotated_box', 'polygon', 'mask'])
export const LEAST = 3

export function isShape(one: Annotation, layer: string): boolean {
  return one.layer === layer && KINDS.has(one.kind) && one.x !== null
}

export function shapeOf(one: Annotation, width: number, height: number): Shape {
  return {
    key: one.annotation_id,
    id: one.annotation_id,
    time: one.time,
    kind: one.kind as Kind,
    label: one.label ?? '',
    box: [one.x ?? 0, one.y ?? 0, one.width ?? 0, one.height ?? 0],
    rings: one.polygon ?? [],
    mask: one.mask ? Mask.read(one.mask, width, height) : null,
    track: one.attributes?.includes('"track"') ?? false,
  }
}

export function exact(number: number): number {
  return Math.round(number * 100) / 100
}

export function between(a: Point, b: Point): Place {
  return [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(a.x - b.x), Math.abs(a.y - b.y)]
}

export function around(rings: number[][]): Place {
  const xs = rings.flatMap((ring) => ring.filter((_, at) => at % 2 === 0))
  const ys = rings.flatMap((ring) => ring.filter((_, at) => at % 2 === 1))
  const [x, y] = [Math.min(...xs), Math.min(...ys)]
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y]
}

export function cornersOf([x, y, across, down]: Place): number[] {
  return [x, y, x + across, y, x + across, y + down, x, y + down]
}

export function shifted(rings: number[][], dx: number, dy: number): number[][] {
  return rings.map((ring) => ring.map((one, at) => one + (at % 2 ? dy : dx)))
}

/** A rotated box: its middle, its sides, and the angle of the first, in radians. */
export interface Turned {
  x: number
  y: number
  across: number
  down: number
  angle: number
}

export function turnedOf(ring: number[]): Turned {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = ring
  return {
    x: (x0 + x2) / 2,
    y: (y0 + y2) / 2,
    across: Math.hypot(x1 - x0, y1 - y0),
    down: Math.hypot(x2 - x1, y2 - y1),
    angle: Math.atan2(y1 - y0, x1 - x0),
  }
}

export function ringOf({ x, y, across, down, angle }: Turned): number[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  return [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].flatMap(([a = 0, b = 0]) => [
    x + (a * across * cos - b * down * sin) / 2,
    y + (a * across * sin + b * down * cos) / 2,
  ])
}

/** The box whose corner was pulled to a place; the corner across stays. */
export function pulledTurned(ring: number[], corner: number, to: Point): number[] {
  const { angle } = turnedOf(ring)
  const across = (corner + 2) % 4
  const fixed = { x: ring[2 * across]!, y: ring[2 * across + 1]! }
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const [dx, dy] = [to.x - fixed.x, to.y - fixed.y]
  return ringOf({
    x: (to.x + fixed.x) / 2,
    y: (to.y + fixed.y) / 2,
    across: Math.max(Math.abs(dx * cos + dy * sin), LEAST),
    down: Math.max(Math.abs(dy * cos - dx * sin), LEAST),
    angle,
  })
}

export function turnedBy(ring: number[], radians: number): number[] {
  const box = turnedOf(ring)
  return ringOf({ ...box, angle: box.angle + radians })
}

/** Where the handle that turns a rotated box stands: over the middle of its first side. */
export function handleOf(ring: number[], away: number): Point {
  const { x, y, down, angle } = turnedOf(ring)
  const reach = down / 2 + away
  return { x: x + Math.sin(angle) * reach, y: y - Math.cos(angle) * reach }
}

/** A ring with one more point behind the one at a place. */
export function withPoint(ring: number[], at: number, point: Point): number[] {
  return [...ring.slice(0, 2 * at + 2), point.x, point.y, ...ring.slice(2 * at + 2)]
}

export function withoutPoint(ring: number[], at: number): number[] {
  return [...ring.slice(0, 2 * at), ...ring.slice(2 * at + 2)]
}

export function middleOf(ring: number[], at: number): Point {
  const next = (2 * at + 2) % ring.length
  return { x: (ring[2 * at]! + ring[next]!) / 2, y: (ring[2 * at + 1]! + ring[next + 1]!) / 2 }
}
