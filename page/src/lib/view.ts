/** The view as the address keeps it. */

import type { Filter, Lasso, Question } from './api'

export interface View {
  question: Question
  height: number
  open: string | null
  /** The review queue that is worked on; empty for the list of queues. */
  review: string | null
  compare: boolean
}

export const NOTHING: Question = {
  filters: [],
  where: null,
  text: null,
  like: [],
  region: null,
  lasso: null,
  sort: null,
}

export const HEIGHT = 150

export function readView(hash: string): View {
  const given = new URLSearchParams(hash.replace(/^#/, ''))
  const question: Question = { ...NOTHING, filters: [], like: [] }
  try {
    const filters = JSON.parse(given.get('filters') ?? '[]') as Filter[]
    if (Array.isArray(filters)) question.filters = filters
  } catch {
    // an address that was cut: the rest of it still counts
  }
  question.where = given.get('where')
  question.text = given.get('text')
  question.like = given.get('like')?.split(',').filter(Boolean) ?? []
  const region = given.get('region')?.split(',').map(Number)
  if (region?.length === 4 && region.every(Number.isInteger))
    question.region = region as [number, number, number, number]
  question.lasso = readLasso(given.get('lasso'))
  const sort = given.get('sort')
  if (sort) question.sort = { column: sort.replace(/^-/, ''), descending: sort.startsWith('-') }
  const height = Number(given.get('height'))
  return {
    question,
    height: height >= 60 && height <= 400 ? height : HEIGHT,
    open: given.get('open'),
    review: given.get('review'),
    compare: given.has('compare'),
  }
}

export function writeView(view: View): string {
  const { question } = view
  const given = new URLSearchParams()
  if (question.filters.length) given.set('filters', JSON.stringify(question.filters))
  if (question.where) given.set('where', question.where)
  if (question.text) given.set('text', question.text)
  if (question.like.length) given.set('like', question.like.join(','))
  if (question.region) given.set('region', question.region.join(','))
  if (question.lasso) given.set('lasso', writeLasso(question.lasso))
  if (question.sort)
    given.set('sort', `${question.sort.descending ? '-' : ''}${question.sort.column}`)
  if (view.height !== HEIGHT) given.set('height', String(view.height))
  if (view.open) given.set('open', view.open)
  if (view.compare) given.set('compare', '')
  if (view.review !== null) given.set('review', view.review)
  return given.toString()
}

/** `MAP|+x,y;x,y;x,y|-x,y;x,y;x,y`: what is added and what is taken away; once it was one shape. */
function readLasso(text: string | null): Lasso | null {
  if (!text) return null
  const [map, ...parts] = text.includes('|') ? text.split('|') : ['', `+${text}`]
  const shapes = parts.map((part) => ({
    adds: !part.startsWith('-'),
    corners: part
      .slice(1)
      .split(';')
      .map((one) => one.split(',').map(Number) as [number, number]),
  }))
  const whole = shapes.every((one) => one.corners.length > 2 && one.corners.flat().every(Number.isFinite))
  return shapes.length && whole ? { map: map || null, shapes } : null
}

function writeLasso(lasso: Lasso): string {
  const parts = lasso.shapes.map(
    (one) => (one.adds ? '+' : '-') + one.corners.map((corner) => corner.join(',')).join(';'),
  )
  return [lasso.map ?? '', ...parts].join('|')
}
