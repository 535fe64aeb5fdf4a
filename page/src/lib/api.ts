/** What the server is asked and answers. */

export type Value = string | number | boolean | null

export interface Filter {
  column: string
  values?: Value[]
  low?: number
  high?: number
  below?: boolean
  text?: string
}

export interface Sort {
  column: string
  descending: boolean
}

/** A part of a map that was drawn around: shapes in turn add what they hold or take it away. */
export interface Lasso {
  map: string | null
  shapes: { adds: boolean; corners: [number, number][] }[]
}

export interface MapInfo {
  key: string
  kind: 'plane' | 'neighbors'
  encoder: string
  default: boolean
  trustworthiness: number | null
  neighbors_kept: number | null
}

export interface Question {
  filters: Filter[]
  where: string | null
  text: string | null
  like: string[]
  region: [number, number, number, number] | null
  lasso: Lasso | null
  sort: Sort | null
}

export interface Answer {
  answer: string
  count: number
  total: number
  snapshot: number
  notes: string[]
  grows: boolean
}

export type Thing = [
  layer: string,
  label: string | null,
  x: number,
  y: number,
  width: number,
  height: number,
  /** Rings of x, y, x, y, …, or the bits of a mask in its box; none of what is a box. */
  shape: number[][] | string | null,
]

export interface Rows {
  offset: number
  id: string[]
  path: string[]
  width: (number | null)[]
  height: (number | null)[]
  label: (string | null)[]
  split: (string | null)[]
  tags: (string[] | null)[]
  selected: (boolean | null)[]
  duplicate_kind: (string | null)[]
  video: (string | null)[]
  score?: (number | null)[]
  objects?: Thing[][]
}

export interface WordFacet {
  column: string
  group: string
  kind: 'values'
  values: Exclude<Value, null>[]
  totals: number[]
  counts: number[]
  distinct: number
  missing: [number, number]
}

export interface NumberFacet {
  column: string
  group: string
  kind: 'numbers' | 'times'
  whole: boolean
  low: number
  high: number
  median: number
  edges: number[]
  totals: number[]
  counts: number[]
  missing: [number, number]
}

export type Facet = WordFacet | NumberFacet

export interface Dataset {
  name: string
  path: string
  version: string
  snapshot: number
  pictures: number
  parts: number
  failed: number
  classes: string[]
  tags: string[]
  columns: { name: string; group: string }[]
  encoders: { spec: string; reads_texts: boolean | null; default: boolean }[]
  layers: string[]
  has_objects: boolean
  /** Whether the user named a segmenter when the server began. */
  segmenter: boolean
  last: Operation | null
}

export interface Operation {
  operation: number
  verb: string
  what: string
  state: string
  finished: string
  snapshot: number
}

export interface Job {
  number: number
  verb: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  stage: string
  done: number
  total: number | null
  error: string | null
  result: Record<string, unknown> | null
  notes: string[]
}

export interface Picture {
  sample: Record<string, unknown>
  annotations: Annotation[]
  embedded: string[]
}

export interface Annotation {
  annotation_id: string
  layer: string
  kind: string
  label: string | null
  x: number | null
  y: number | null
  width: number | null
  height: number | null
  polygon: number[][] | null
  mask: string | null
  keypoints: number[] | null
  attributes: string | null
  confidence: number | null
  author: string | null
  time: string
  text: string | null
  value: number | null
}

export interface Selection {
  name: string
  count: number
  holds: {
    label: Record<string, number>
    no_label: number
    tags: Record<string, number>
    no_tags: number
  }
}

/** A question that has a name; its count is unknown where it takes a search. */
export interface Saved {
  name: string
  question: Partial<Question>
  count: number | null
}

export interface ComparedColumn {
  name: string
  effect: number
  p_value: number
  values: { value: string | null; a: number; b: number }[]
  median_a: number | null
  median_b: number | null
}

export interface Comparison {
  a: number
  b: number
  both: number
  columns: ComparedColumn[]
  confusion: { first: string | null; second: string | null; count: number }[]
  agreement: { shared: number; nearest: number; pictures: number; least: string[] } | null
}

export interface Choice {
  answer: string
  name: string
  key: string
  suggested: boolean
  label: string | null
}

export interface Side {
  title: string
  ids: string[]
  note: string
  regions: [x: number, y: number, width: number, height: number][]
  heat: string | null
  mirrored: boolean
}

export interface Item {
  key: string
  asks: string
  facts: string[]
  sides: Side[]
  choices: Choice[]
  classes: boolean
  picked: boolean
  given: string | null
  score: number | null
}

/** How a review queue stands. */
export interface QueueState {
  name: string
  title: string
  about: string
  verb: string | null
  lacks: string | null
  found: boolean
  left: number
  answered: number
  seconds: number
  job: Pick<Job, 'number' | 'state' | 'stage' | 'done' | 'total' | 'error'> | null
}

export interface Asked {
  path: string
  label: string | null
  split: string | null
  width: number | null
  height: number | null
}

export interface Check {
  time: number
  pictures: number
  e_value: number
  alarm: boolean
  p_value: number
  drift: boolean
  distance: number
}

export interface QueueDocument extends QueueState {
  items: Item[]
  pictures: Record<string, Asked>
  scores: number[]
  more: {
    threshold?: number
    layer?: string | null
    rates?: [threshold: number, rate: number][]
    checks?: Check[]
    alarm?: number
    drift?: boolean
    p_value?: number
    pictures?: number
    level?: number
    sentences?: string[]
    kinds?: DriftKind[]
    covariates?: DriftValue<number | string | null>[]
    classes?: { name: string; before: number; now: number; low: number; high: number }[]
    accuracy?: { before: number; change: number; low: number; high: number } | null
  }
}

/** A figure before a drift and now, with its chance where nothing changed. */
export interface DriftValue<T> {
  name: string
  before: T
  now: T
  p: number
}

/** A kind of pictures: its shares, and pictures of it. */
export interface DriftKind extends DriftValue<number> {
  pictures_before: string[]
  pictures_now: string[]
}

/** A sentence of the server's that says what was wrong and what to do. */
export class Refused extends Error {}

/** In a frame of another page, where cookies do not travel, the token of the frame's address. */
const token = tokenOfAddress()
export const framed = token !== null

function tokenOfAddress(): string | null {
  const found = /^#token=([\w-]+)/.exec(location.hash)?.[1] ?? null
  if (found) history.replaceState(null, '', location.pathname)
  return found
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response
  const headers = new Headers(init.headers)
  if (token) headers.set('authorization', `Bearer ${token}`)
  try {
    answer = await fetch(path, { ...init, headers })
  } catch {
    throw new Refused('The server does not answer. Is `tamis app` still running?')
  }
  if (answer.ok) return answer
  const text = await answer.text()
  if (answer.status === 403)
    throw new Refused('This page is not let in any more. Open the address that `tamis app` printed.')
  let sentence = text
  try {
    sentence = (JSON.parse(text) as { error: string }).error
  } catch {
    // a defect: the server says so in plain text
  }
  throw new Refused(sentence || `The server failed (${answer.status}); its terminal says why.`)
}

export async function get<T>(path: string): Promise<T> {
  return (await ask(path)).json() as Promise<T>
}

export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return answer.json() as Promise<T>
}

export async function remove<T>(path: string): Promise<T> {
  return (await ask(path, { method: 'DELETE' })).json() as Promise<T>
}

export async function bytes(path: string): Promise<ArrayBuffer> {
  return (await ask(path)).arrayBuffer()
}

export async function upload<T>(path: string, data: Blob): Promise<T> {
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: data,
  })
  return answer.json() as Promise<T>
}

export function verb<T>(name: string, request: unknown, selection?: string): Promise<T> {
  const query = selection === undefined ? '' : `?selection=${encodeURIComponent(selection)}`
  return post<T>(`/api/verbs/${encodeURIComponent(name)}${query}`, request)
}

/** Show a picture of the server's in an `img`. */
export function shows(image: HTMLImageElement, path: string) {
  let wanted = path
  let url = ''
  const show = (now: string) => {
    wanted = now
    if (!framed) {
      image.src = now
      return
    }
    void bytes(now)
      .then((data) => {
        if (wanted !== now) return
        URL.revokeObjectURL(url)
        image.src = url = URL.createObjectURL(new Blob([data]))
      })
      .catch(() => image.dispatchEvent(new Event('error')))
  }
  show(path)
  return {
    update: show,
    destroy() {
      wanted = ''
      URL.revokeObjectURL(url)
    },
  }
}
