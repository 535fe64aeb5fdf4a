/** The objects of the open picture: drawn, changed and named, each change kept at once. */

import { post, type Annotation } from './api'
import { page, type Tool } from './page.svelte'
import { Mask, stroke } from './runs'
import {
  around,
  cornersOf,
  exact,
  isShape,
  LEAST,
  middleOf,
  shapeOf,
  shifted,
  turnedBy,
  turnedOf,
  ringOf,
  withoutPoint,
  withPoint,
  type Draft,
  type Place,
  type Point,
  type Shape,
} from './shapes'

const DEGREE = Math.PI / 180
const WAIT = 50
const TURNS = 200
const NAMES: Record<string, string> = {
  box: 'Box',
  rotated_box: 'Box',
  polygon: 'Polygon',
  mask: 'Mask',
}

let fresh = 0

export class Drawing {
  shapes = $state.raw<Shape[]>([])
  others = $state.raw<Annotation[]>([])
  /** The key of the object that is chosen. */
  picked = $state<string | null>(null)
  /** A point of its outline: which ring, which point. */
  vertex = $state.raw<[ring: number, point: number] | null>(null)
  draft = $state.raw<Draft | null>(null)
  /** Whether the outline that is drawn still gets points. */
  growing = $state(false)
  /** Where keys draw. */
  cursor = $state.raw<Point | null>(null)
  /** A change that a drag has not ended. */
  change = $state.raw<Partial<Shape> | null>(null)
  /** What a segmenter is given: places that belong to the object, and such that do not. */
  hints = $state.raw<{ x: number; y: number; inside: boolean }[]>([])
  radius = $state(0)
  /** A byte a pixel of the mask that is painted on, and a number that says when it changed. */
  pixels: Uint8Array | null = null
  painted = $state(0)
  painting = $state(false)
  busy = $state(false)

  constructor(
    readonly id: string,
    readonly width: number,
    readonly height: number,
  ) {
    this.radius = Math.max(Math.max(width, height) / 60, 1)
  }

  get tool(): Tool {
    return page.tool
  }

  get chosen(): Shape | null {
    return this.shapes.find((one) => one.key === this.picked) ?? null
  }

  /** What is shown: the objects, one of them as a drag has it. */
  get shown(): Shape[] {
    if (page.layersOff.has(page.layer)) return []
    const change = this.change
    return this.shapes.map((one) => (change && one.key === this.picked ? { ...one, ...change } : one))
  }

  get names(): string[] {
    const mine = this.shapes.map((one) => one.label)
    return [...new Set([...mine, ...page.objectClasses, ...page.classes])].filter(Boolean)
  }

  /** Whether something is drawn and waits for its class. */
  get asks(): boolean {
    if (!this.draft || this.growing || this.painting) return false
    return this.draft.kind !== 'mask' || !!this.pixels?.includes(1)
  }

  load(annotations: Annotation[]): void {
    const layer = page.layer
    const keys = new Map(this.shapes.map((one) => [one.id, one.key]))
    this.shapes = annotations
      .filter((one) => isShape(one, layer))
      .map((one) => shapeOf(one, this.width, this.height))
      .map((one) => ({ ...one, key: keys.get(one.id) ?? one.key }))
      // in an order that a change does not change
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    this.others = annotations.filter((one) => !isShape(one, layer) && one.x !== null)
    if (!this.chosen) this.drop()
    // a stroke that has begun goes on, whatever arrives meanwhile
    if (!this.painting && this.draft?.kind !== 'mask') this.pixels = null
  }

  // What is chosen, what is drawn

  pick(key: string | null): void {
    this.picked = key
    this.vertex = null
    this.pixels = null
    this.hints = []
    this.draft = null
  }

  drop(): void {
    this.picked = null
    this.vertex = null
  }

  cancel(): boolean {
    const any = this.draft !== null || this.picked !== null || this.tool !== 'box'
    if (this.vertex) this.vertex = null
    else if (this.draft) this.draft = null
    else if (this.picked) this.drop()
    else page.tool = 'box'
    this.pixels = null
    this.growing = false
    this.hints = []
    this.painting = false
    return any
  }

  take(tool: Tool): void {
    page.tool = page.tool === tool ? 'box' : tool
    this.draft = null
    this.growing = false
    this.pixels = null
    this.hints = []
    this.cursor = { x: this.width / 2, y: this.height / 2 }
    if (page.tool !== 'brush' && page.tool !== 'erase') this.drop()
    else if (this.chosen?.kind !== 'mask') this.drop()
  }

  /** The object under a place, the smallest first. */
  under(point: Point): Shape | null {
    const found = this.shown.filter((one) => one.mask?.holds(point.x, point.y))
    found.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3])
    return found[0] ?? null
  }

  inside(point: Point): Point {
    return {
      x: Math.min(Math.max(point.x, 0), this.width),
      y: Math.min(Math.max(point.y, 0), this.height),
    }
  }

  draw(box: Place): void {
    const rotated = this.tool === 'rotated'
    this.draft = {
      kind: rotated ? 'rotated_box' : 'box',
      box,
      rings: rotated ? [cornersOf(box)] : [],
      mask: null,
    }
  }

  addPoint(point: Point): void {
    const ring = this.growing && this.draft ? this.draft.rings[0]! : []
    this.growing = true
    this.drop()
    this.draft = { kind: 'polygon', box: [0, 0, 0, 0], rings: [[...ring, point.x, point.y]], mask: null }
  }

  close(): void {
    const ring = this.draft?.rings[0] ?? []
    if (ring.length < 6) return
    this.growing = false
  }

  // Masks

  /** Begin to paint on the mask that is chosen, or on a new one. */
  private canvas(): Uint8Array {
    if (!this.pixels) {
      this.pixels = this.chosen?.mask?.pixels ?? new Uint8Array(this.width * this.height)
      if (!this.chosen) this.draft = { kind: 'mask', box: [0, 0, 0, 0], rings: [], mask: null }
    }
    return this.pixels
  }

  paint(from: Point, to: Point): void {
    if (this.tool === 'erase' && !this.chosen && !this.pixels) return
    this.painting = true
    stroke(this.canvas(), this, from, to, this.radius, this.tool === 'erase' ? 0 : 1)
    this.painted += 1
  }

  /** A stroke has ended: what it changed of a mask that the server has is one operation. */
  stroked(): void {
    this.painting = false
    const one = this.chosen
    if (!one || !this.pixels) return
    const mask = Mask.of(this.pixels, this.width, this.height)
    if (mask.empty) {
      this.pixels = null
      this.remove()
    } else {
      this.alter(one, { mask, box: mask.box }, { mask: mask.code }, 'Mask painted')
    }
  }

  async hint(point: Point, inside: boolean): Promise<void> {
    this.drop()
    this.hints = [...this.hints, { ...point, inside }]
    this.busy = true
    try {
      const points = this.hints.map((one) => [exact(one.x), exact(one.y), one.inside ? 1 : 0])
      const found = await post<{ mask: string }>(`/api/pictures/${this.id}/segments`, { points })
      const mask = Mask.read(found.mask, this.width, this.height)
      this.pixels = mask?.pixels ?? null
      this.draft = { kind: 'mask', box: [0, 0, 0, 0], rings: [], mask: null }
      this.painted += 1
    } catch (error) {
      page.fail(error)
    } finally {
      this.busy = false
    }
  }

  // Writing

  name(label: string): void {
    const draft = this.draft
    const one = this.chosen
    if (!draft && one) this.alter(one, { label }, { label }, `${NAMES[one.kind]} is ${label}`)
    if (!draft) return
    const mask = draft.kind === 'mask' && this.pixels ? Mask.of(this.pixels, this.width, this.height) : null
    const rings = draft.rings.map((ring) => ring.map(exact))
    const box = mask?.box ?? (rings.length ? around(rings) : (draft.box.map(exact) as Place))
    const key = `new ${(fresh += 1)}`
    this.shapes = [
      ...this.shapes,
      { key, id: null, time: null, kind: draft.kind, label, box, rings, mask, track: false },
    ]
    this.draft = null
    this.pixels = null
    this.hints = []
    this.picked = key
    if (draft.kind === 'polygon') page.tool = 'box' // its points can be dragged at once
    const layer = page.layer
    const shape = mask
      ? { mask: mask.code }
      : draft.kind === 'box'
        ? { box }
        : { outline: rings, rotated: draft.kind === 'rotated_box' }
    void page
      .write<{ annotation_id: string; time: string }>(
        `${NAMES[draft.kind]} added`,
        'label draw',
        () => ({ sample: this.id, label, layer, ...shape }),
        (report) => this.become(key, { id: report.annotation_id, time: report.time }),
      )
      .then((report) => {
        if (!report) this.shapes = this.shapes.filter((each) => each.key !== key)
      })
  }

  private become(key: string, change: Partial<Shape>): void {
    this.shapes = this.shapes.map((one) => (one.key === key ? { ...one, ...change } : one))
  }

  /** Change an object here at once, and on the server if nobody else has changed it meanwhile. */
  private alter(
    shape: Shape,
    change: Partial<Shape>,
    request: Record<string, unknown>,
    text: string,
  ): void {
    this.become(shape.key, change)
    void this.known(shape.key).then((known) => {
      if (!known) return
      void page.write<{ time: string }>(
        text,
        'label edit',
        () => {
          const now = this.shapes.find((one) => one.key === shape.key) ?? known
          return { annotation_id: now.id, unchanged_since: now.time, ...request }
        },
        (report) => this.become(shape.key, { time: report.time }),
      )
    })
  }

  /** An object that was drawn a moment ago has its id once the server has answered. */
  private async known(key: string): Promise<Shape | null> {
    for (let turn = 0; turn < TURNS; turn++) {
      const one = this.shapes.find((each) => each.key === key)
      if (!one || one.id) return one ?? null
      await new Promise((resolve) => setTimeout(resolve, WAIT))
    }
    return null
  }

  place(box: Place): void {
    const one = this.chosen
    if (!one || box[2] < LEAST || box[3] < LEAST) return
    const rounded = box.map(exact) as Place
    this.alter(one, { box: rounded }, { box: rounded }, 'Box moved')
  }

  outline(rings: number[][], text: string): void {
    const one = this.chosen
    if (!one) return
    const rounded = rings.map((ring) => ring.map(exact))
    const change = { rings: rounded, box: around(rounded) }
    this.alter(one, change, { outline: rounded }, text)
  }

  remove(): void {
    const one = this.chosen
    if (!one) return
    this.drop()
    void this.known(one.key).then((known) => {
      if (!known?.id) return
      this.shapes = this.shapes.filter((each) => each.key !== one.key)
      void page.write(`${NAMES[one.kind]} removed`, 'label remove', () => ({
        annotation_ids: [known.id],
      }))
    })
  }

  // Keys

  /** Do what a key means for objects; false where it means nothing here. */
  key(event: KeyboardEvent): boolean {
    const key = event.key
    if (/^[1-9]$/.test(key) && (this.asks || (this.picked && !this.draft))) {
      const label = this.names[Number(key) - 1]
      if (label) this.name(label)
      return true
    }
    if (this.growing || this.drawsByKeys) {
      if (this.drawKey(event)) return true
    }
    switch (key) {
      case 'b':
      case 'o':
        this.drop()
        page.tool = key === 'b' ? 'box' : 'rotated'
        this.draw([this.width / 3, this.height / 3, this.width / 3, this.height / 3])
        return true
      case 'p':
        this.take('polygon')
        return true
      case 'w':
        this.take('brush')
        return true
      case 'x':
        this.take('erase')
        return true
      case 's':
        if (!page.dataset?.segmenter) return false
        this.take('points')
        return true
      case 'k':
        if (!this.chosen) return false
        void this.known(this.chosen.key).then((one) => one?.id && page.keyFrame(one.id, one))
        return true
      case 'Escape':
        return this.cancel()
      case 'Tab':
        return !event.shiftKey && this.next()
      case 'Delete':
      case 'Backspace':
        return this.removeKey()
      default:
        return this.pointKey(key) || this.turnKey(key) || this.arrow(event)
    }
  }

  /** Whether arrows move a cursor and Space draws there. */
  get drawsByKeys(): boolean {
    return ['polygon', 'brush', 'erase', 'points'].includes(this.tool) && !this.vertex
  }

  private drawKey(event: KeyboardEvent): boolean {
    const at = this.cursor ?? { x: this.width / 2, y: this.height / 2 }
    if (event.key.startsWith('Arrow')) {
      const brush = this.tool === 'brush' || this.tool === 'erase'
      const step = (brush ? this.radius : 1) * (event.shiftKey ? 10 : 1)
      const [dx, dy] = arrows(event.key, step)
      const to = this.inside({ x: at.x + dx, y: at.y + dy })
      this.cursor = to
      if (this.painting) this.paint(at, to)
      return true
    }
    switch (event.key) {
      case ' ':
        if (this.tool === 'polygon') this.addPoint(at)
        else if (this.tool === 'points') void this.hint(at, !event.altKey)
        else if (this.painting) this.stroked()
        else this.paint(at, at)
        return true
      case 'Enter':
        if (this.growing) this.close()
        else if (this.painting) this.stroked()
        return true
      case 'Backspace':
        if (!this.growing || !this.draft) return false
        this.draft = { ...this.draft, rings: [this.draft.rings[0]!.slice(0, -2)] }
        if (!this.draft.rings[0]!.length) this.cancel()
        return true
      case '[':
      case ']':
        if (this.tool !== 'brush' && this.tool !== 'erase') return false
        this.radius = Math.min(Math.max(this.radius * (event.key === ']' ? 1.25 : 0.8), 0.5), this.width)
        return true
      default:
        return false
    }
  }

  private next(): boolean {
    const at = this.shapes.findIndex((one) => one.key === this.picked)
    if (!document.activeElement?.closest('.picture') || at + 1 >= this.shapes.length) return false
    this.pick(this.shapes[at + 1]!.key)
    return true
  }

  private removeKey(): boolean {
    const one = this.chosen
    if (!one) return false
    const [ring, at] = this.vertex ?? [-1, -1]
    if (ring < 0) this.remove()
    else this.removePoint(ring, at)
    return true
  }

  removePoint(ring: number, at: number): void {
    const rings = this.chosen?.rings
    if (!rings || rings[ring]!.length <= 6) {
      page.say({ text: 'An outline needs three points.', kind: 'error' })
      return
    }
    this.vertex = null
    this.outline(rings.map((one, number) => (number === ring ? withoutPoint(one, at) : one)), 'Point removed')
  }

  private pointKey(key: string): boolean {
    const one = this.chosen
    if (one?.kind !== 'polygon' || !['n', 'N', 'a'].includes(key)) return false
    const [ring, at] = this.vertex ?? [0, key === 'N' ? 0 : -1]
    if (key === 'a') {
      const place = Math.max(at, 0)
      const rings = one.rings.map((each, number) =>
        number === ring ? withPoint(each, place, middleOf(each, place)) : each,
      )
      this.vertex = [ring, place + 1]
      this.outline(rings, 'Point added')
      return true
    }
    const all = one.rings.flatMap((each, number) =>
      Array.from({ length: each.length / 2 }, (_, point): [number, number] => [number, point]),
    )
    const now = all.findIndex(([r, p]) => r === ring && p === at)
    this.vertex = all[(now + (key === 'n' ? 1 : -1) + all.length) % all.length] ?? null
    return true
  }

  private turnKey(key: string): boolean {
    const degrees = { '[': -1, ']': 1, '{': -15, '}': 15 }[key]
    const ring = this.draft?.kind === 'rotated_box' ? this.draft.rings[0] : this.chosen?.rings[0]
    if (degrees === undefined || !ring) return false
    if (!this.draft && this.chosen?.kind !== 'rotated_box') return false
    this.reform(turnedBy(ring, degrees * DEGREE), 'Box turned')
    return true
  }

  /** Give the rotated box that is drawn or chosen another place. */
  reform(ring: number[], text: string): void {
    if (this.draft) this.draft = { ...this.draft, rings: [ring], box: around([ring]) }
    else this.outline([ring], text)
  }

  private arrow(event: KeyboardEvent): boolean {
    const one = this.chosen
    if (!event.key.startsWith('Arrow') || !(this.draft || one)) return false
    const [dx, dy] = arrows(event.key, event.shiftKey ? 10 : 1)
    const kind = this.draft?.kind ?? one!.kind
    const rings = this.draft?.rings ?? one!.rings
    if (kind === 'mask') {
      page.say({ text: 'A mask is painted: w paints, x erases.', kind: 'done' })
    } else if (kind === 'box') {
      const box = this.draft?.box ?? one!.box
      const next: Place = event.altKey
        ? [box[0], box[1], Math.max(box[2] + dx, LEAST), Math.max(box[3] + dy, LEAST)]
        : this.movedBox(box, dx, dy)
      if (this.draft) this.draft = { ...this.draft, box: next }
      else this.place(next)
    } else if (kind === 'rotated_box' && event.altKey) {
      const box = turnedOf(rings[0]!)
      const across = Math.max(box.across + dx, LEAST)
      this.reform(ringOf({ ...box, across, down: Math.max(box.down + dy, LEAST) }), 'Box changed')
    } else if (kind === 'rotated_box') {
      this.reform(shifted(rings, dx, dy)[0]!, 'Box moved')
    } else if (this.vertex && one) {
      const [ring, at] = this.vertex
      this.outline(this.withMoved(one.rings, ring, at, dx, dy), 'Point moved')
    } else if (one) {
      this.outline(shifted(rings, dx, dy), 'Polygon moved')
    }
    return true
  }

  withMoved(rings: number[][], ring: number, at: number, dx: number, dy: number): number[][] {
    return rings.map((one, number) =>
      number !== ring
        ? one
        : one.map((value, place) =>
            Math.floor(place / 2) !== at ? value : value + (place % 2 ? dy : dx),
          ),
    )
  }

  movedBox([x, y, across, down]: Place, dx: number, dy: number): Place {
    return [
      Math.min(Math.max(x + dx, 0), Math.max(this.width - across, 0)),
      Math.min(Math.max(y + dy, 0), Math.max(this.height - down, 0)),
      across,
      down,
    ]
  }
}

function arrows(key: string, step: number): [number, number] {
  const dx = key === 'ArrowRight' ? step : key === 'ArrowLeft' ? -step : 0
  const dy = key === 'ArrowDown' ? step : key === 'ArrowUp' ? -step : 0
  return [dx, dy]
}
