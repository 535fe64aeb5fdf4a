/** What the page shows and does; components read it and call it. */

import { tick } from 'svelte'
import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import {
  bytes,
  framed,
  get,
  post,
  Refused,
  remove,
  upload,
  verb,
  type Answer,
  type Dataset,
  type Facet,
  type Filter,
  type Job,
  type Operation,
  type Question,
  type Rows,
  type Saved,
  type Selection,
  type Sort,
} from './api'
import { Thumbnails } from './thumbnails'
import { HEIGHT, NOTHING, readView, writeView } from './view'
import { count, counted } from './words'

const PAGE = 100
const POLL = 2000
const KEPT_PAGES = 60
const DIGITS = 9
const SETTLED = 700

export interface Row {
  id: string
  path: string
  width: number | null
  height: number | null
  label: string | null
  split: string | null
  tags: string[]
  selected: boolean
  duplicate: string | null
  score: number | null
  objects: Rows['objects'] extends (infer T)[] | undefined ? T : never
}

export type Tool = 'box' | 'rotated' | 'polygon' | 'brush' | 'erase' | 'points'

export interface Message {
  text: string
  kind: 'done' | 'error'
  action?: { name: string; run: () => void }
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export class Page {
  dataset = $state.raw<Dataset | null>(null)
  question = $state.raw<Question>(NOTHING)
  answer = $state.raw<Answer | null>(null)
  shapes = $state.raw<Uint8Array>(new Uint8Array(0))
  facets = $state.raw<Facet[]>([])
  saved = $state.raw<Saved[]>([])
  rows = new SvelteMap<number, Rows>()
  thumbnails = new Thumbnails()
  classes = $state.raw<string[]>([])
  layersOff = new SvelteSet<string>()

  height = $state(HEIGHT)
  focus = $state(0)
  anchor = 0
  chosen = new SvelteSet<number>()
  all = $state(false)
  private allOfNext = false
  holds = $state.raw<Selection | null>(null)
  open = $state(false)
  /** The review queue that is worked on, '' for the list of queues; null shows the grid. */
  review = $state<string | null>(null)
  /** Whether two sides are compared in place of the grid. */
  compare = $state(false)
  dialog = $state<
    'help' | 'commands' | 'history' | 'label' | 'tag' | 'export' | 'save' | null
  >(null)
  message = $state.raw<Message | null>(null)
  refused = $state<string | null>(null)
  busy = $state(false)
  /** Writes that the server has not answered yet. */
  pending = $state(0)
  outdated = $state.raw<Answer | null>(null)
  map = $state(stored('map') === 'yes')
  mapColor = $state('label')
  jobs = $state.raw<Job[]>([])
  last = $state.raw<Operation | null>(null)
  lastLabel: string | null = null
  /** What a drag on the open picture draws. */
  tool = $state<Tool>('box')
  /** The layer whose annotations are drawn and changed. */
  layer = $state('truth')
  private keyBox: { id: string; label: string } | null = null
  lastSort: Sort | null = null

  objectClasses = $derived.by(() => {
    const facet = this.facets.find((one) => one.column === 'objects')
    return facet?.kind === 'values' ? facet.values.map(String).sort() : []
  })
  private places = $derived(
    new Map([...new Set([...this.classes, ...this.objectClasses])].map((name, at) => [name, at])),
  )
  private asking = 0
  private pages = new Set<number>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private written: Promise<unknown> = Promise.resolve()
  private later: ReturnType<typeof setTimeout> | undefined

  // Beginning

  async begin(): Promise<void> {
    const view = readView(location.hash)
    this.height = view.height
    this.question = view.question
    this.review = view.review
    this.compare = view.compare
    const [, answered] = await Promise.all([this.loadDataset(), this.ask(view.question)])
    if (answered && view.open) await this.openPicture(view.open)
    addEventListener('popstate', () => {
      const back = readView(location.hash)
      this.height = back.height
      this.open = false
      this.review = back.review
      this.compare = back.compare
      void this.ask(back.question, { keep: true })
    })
    this.poll()
  }

  private async loadDataset(): Promise<void> {
    try {
      const dataset = await get<Dataset>('/api/dataset')
      this.dataset = dataset
      this.last = dataset.last
      this.keepClasses(dataset)
      document.title = `${dataset.name} · tamis`
    } catch (error) {
      this.fail(error)
    }
  }

  /** Digits keep their class while the page is open, whatever becomes more frequent. */
  private keepClasses(dataset: Dataset): void {
    const known = this.classes.length ? this.classes : this.storedClasses(dataset)
    const fresh = dataset.classes.filter((name) => !known.includes(name))
    this.classes = [...known, ...fresh]
  }

  private storedClasses(dataset: Dataset): string[] {
    try {
      const stored: unknown = JSON.parse(localStorage.getItem(`classes ${dataset.path}`) ?? '[]')
      if (Array.isArray(stored)) return stored.filter((name) => typeof name === 'string')
    } catch {
      // no storage: the order of frequency serves
    }
    return []
  }

  /** Where a class stands among all, for its color; those of objects come after those of pictures. */
  classPlace(name: string | null): number {
    return name === null ? -1 : (this.places.get(name) ?? -1)
  }

  addClass(name: string): void {
    if (this.classes.includes(name)) return
    this.classes = [...this.classes, name]
    this.storeClasses()
  }

  private storeClasses(): void {
    try {
      const key = `classes ${this.dataset?.path ?? ''}`
      localStorage.setItem(key, JSON.stringify(this.classes.slice(0, DIGITS)))
    } catch {
      // no storage: nothing is lost but the order
    }
  }

  // Asking

  get changed(): boolean {
    const q = this.question
    return !!(q.filters.length || q.lasso || q.where || q.text || q.like.length)
  }

  async ask(question: Question, how: { keep?: boolean } = {}): Promise<boolean> {
    const turn = ++this.asking
    const before = this.question
    this.question = question
    this.busy = true
    try {
      const answer = await post<Answer>('/api/questions', question)
      if (turn !== this.asking) return false
      await this.adopt(answer, false)
      this.refused = null
      if (!how.keep) this.remember()
      void this.loadFacets()
      const note = answer.notes[0]
      if (note) this.say({ text: note, kind: 'done' })
      return true
    } catch (error) {
      if (turn !== this.asking) return false
      this.refused = error instanceof Error ? error.message : String(error)
      if (!this.answer) this.fail(error)
      else this.question = before
      return false
    } finally {
      if (turn === this.asking) {
        this.busy = false
        if (this.allOfNext) this.chooseAll()
      }
    }
  }

  private async adopt(answer: Answer, stay: boolean): Promise<void> {
    const [shapes, first] = await Promise.all([
      bytes(`/api/answers/${answer.answer}/shapes`),
      stay ? null : this.fetchRows(answer.answer, 0),
    ])
    this.outdated = null
    this.answer = answer
    this.shapes = new Uint8Array(shapes)
    if (stay) {
      this.reloadRows()
    } else {
      this.rows.clear()
      this.pages.clear()
      if (first) this.rows.set(0, first)
      this.focus = 0
      this.open = false
      this.clearChosen()
    }
  }

  change(part: Partial<Question>): Promise<boolean> {
    return this.ask({ ...this.question, ...part })
  }

  filter(filter: Filter): Promise<boolean> {
    const others = this.question.filters.filter((one) => one.column !== filter.column)
    return this.change({ filters: [...others, filter] })
  }

  unfilter(column: string): Promise<boolean> {
    const filters = this.question.filters.filter((one) => one.column !== column)
    return this.change({ filters })
  }

  toggle(column: string, value: string | number | boolean | null): Promise<boolean> {
    const present = this.question.filters.find((one) => one.column === column)?.values ?? []
    const values = present.includes(value)
      ? present.filter((one) => one !== value)
      : [...present, value]
    return values.length ? this.filter({ column, values }) : this.unfilter(column)
  }

  /** Keep the present question by a name, on the server. */
  async saveQuestion(name: string): Promise<void> {
    try {
      const body = { name, question: this.question }
      this.saved = (await post<{ saved: Saved[] }>('/api/saved', body)).saved
      this.say({ text: `Saved as ${name}`, kind: 'done' })
    } catch (error) {
      this.fail(error)
    }
  }

  async forgetSaved(name: string): Promise<void> {
    const question = this.saved.find((one) => one.name === name)?.question
    try {
      const path = `/api/saved/${encodeURIComponent(name)}`
      this.saved = (await remove<{ saved: Saved[] }>(path)).saved
      const again = async () => {
        this.saved = (await post<{ saved: Saved[] }>('/api/saved', { name, question })).saved
      }
      this.say({
        text: `${name} is no longer saved`,
        kind: 'done',
        action: { name: 'Save again', run: () => void again().catch((error) => this.fail(error)) },
      })
    } catch (error) {
      this.fail(error)
    }
  }

  askSaved(saved: Saved): Promise<boolean> {
    return this.ask({ ...NOTHING, ...saved.question })
  }

  /** Whether a saved question is what is shown. */
  shows(saved: Saved): boolean {
    return JSON.stringify({ ...NOTHING, ...saved.question }) === JSON.stringify(this.question)
  }

  clear(): Promise<boolean> {
    return this.ask({ ...NOTHING, sort: this.question.sort })
  }

  async alike(ids: string[], region: Question['region'] = null): Promise<void> {
    await this.change({ like: ids, region, text: null })
  }

  /** Look for what is like the selected pictures, the first ten of them, or the one in focus. */
  async alikeChosen(): Promise<void> {
    const places = this.all ? [this.focus] : this.chosen.size ? [...this.chosen] : [this.focus]
    const ids: string[] = []
    for (const at of places.slice(0, 10)) {
      const row = await this.certainRow(at)
      if (row) ids.push(row.id)
    }
    if (ids.length) await this.alike(ids)
  }

  async drop(file: Blob): Promise<void> {
    try {
      const { example } = await upload<{ example: string }>('/api/examples', file)
      await this.alike([example])
    } catch (error) {
      this.fail(error)
    }
  }

  remember(): void {
    const row = this.open ? this.row(this.focus) : null
    const text = writeView({
      question: this.question,
      height: this.height,
      open: row?.id ?? null,
      review: this.review,
      compare: this.compare,
    })
    const address = text ? `#${text}` : location.pathname
    if (`#${text}` !== (location.hash || '#')) history.pushState(null, '', address)
  }

  private async loadFacets(): Promise<void> {
    const turn = this.asking
    try {
      const [{ facets }, { saved }] = await Promise.all([
        post<{ facets: Facet[] }>('/api/facets', this.question),
        get<{ saved: Saved[] }>('/api/saved'),
      ])
      if (turn !== this.asking) return
      this.facets = facets
      this.saved = saved
    } catch (error) {
      this.fail(error)
    }
  }

  // Rows

  private fetchRows(answer: string, page: number): Promise<Rows> {
    const boxes = this.dataset?.has_objects === false ? 0 : 1
    return get<Rows>(
      `/api/answers/${answer}/rows?offset=${page * PAGE}&limit=${PAGE}&boxes=${boxes}`,
    )
  }

  /** Load the rows from one place to another, and their thumbnails. */
  need(first: number, behind: number): void {
    const answer = this.answer
    if (!answer) return
    this.forgetRows(first, behind)
    for (let page = Math.floor(first / PAGE); page * PAGE < behind; page++) {
      if (this.rows.has(page) || this.pages.has(page)) continue
      this.pages.add(page)
      void this.fetchRows(answer.answer, page)
        .then((rows) => {
          if (this.answer?.answer === answer.answer) this.rows.set(page, rows)
        })
        .catch((error: unknown) => this.fail(error))
        .finally(() => this.pages.delete(page))
    }
  }

  /** Of a million rows those far from the screen are let go. */
  private forgetRows(first: number, behind: number): void {
    if (this.rows.size <= KEPT_PAGES) return
    const middle = (first + behind) / 2 / PAGE
    const far = [...this.rows.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle))
    for (const page of far.slice(0, this.rows.size - KEPT_PAGES / 2)) this.rows.delete(page)
  }

  private reloadRows(): void {
    const answer = this.answer
    if (!answer) return
    const pages = [...this.rows.keys()].slice(-6)
    for (const page of this.rows.keys()) if (!pages.includes(page)) this.rows.delete(page)
    for (const page of pages)
      void this.fetchRows(answer.answer, page)
        .then((rows) => {
          if (this.answer?.answer === answer.answer) this.rows.set(page, rows)
        })
        .catch((error: unknown) => this.fail(error))
  }

  row(at: number): Row | null {
    const rows = this.rows.get(Math.floor(at / PAGE))
    const here = at % PAGE
    const id = rows?.id[here]
    if (!rows || id === undefined) return null
    return {
      id,
      path: rows.path[here] ?? id,
      width: rows.width[here] ?? null,
      height: rows.height[here] ?? null,
      label: rows.label[here] ?? null,
      split: rows.split[here] ?? null,
      tags: rows.tags[here] ?? [],
      selected: rows.selected[here] ?? false,
      duplicate: rows.duplicate_kind[here] ?? null,
      score: rows.score?.[here] ?? null,
      objects: rows.objects?.[here] ?? [],
    }
  }

  private async certainRow(at: number): Promise<Row | null> {
    const page = Math.floor(at / PAGE)
    if (!this.rows.has(page) && this.answer)
      this.rows.set(page, await this.fetchRows(this.answer.answer, page))
    return this.row(at)
  }

  get count(): number {
    return this.answer?.count ?? 0
  }

  // Focus and selection

  move(to: number, how: { extend?: boolean } = {}): void {
    const target = Math.min(Math.max(to, 0), Math.max(this.count - 1, 0))
    if (how.extend) this.choose(this.anchor, target)
    else this.anchor = target
    this.focus = target
    if (this.open) this.remember()
  }

  isChosen(at: number): boolean {
    return this.all || this.chosen.has(at)
  }

  get chosenCount(): number {
    return this.all ? this.count : this.chosen.size
  }

  choose(from: number, to: number): void {
    this.all = false
    this.chosen.clear()
    for (let at = Math.min(from, to); at <= Math.max(from, to); at++) this.chosen.add(at)
    this.look()
  }

  toggleChosen(at: number): void {
    if (this.all) {
      this.all = false
      for (let one = 0; one < this.count; one++) this.chosen.add(one)
    }
    if (this.chosen.has(at)) this.chosen.delete(at)
    else this.chosen.add(at)
    this.anchor = at
    this.look()
  }

  /** Choose all pictures; while a question is on its way, those that it will find. */
  chooseAll(): void {
    this.allOfNext = this.busy
    if (this.busy) return
    this.chosen.clear()
    this.all = this.count > 0
    this.look()
  }

  clearChosen(): void {
    this.all = false
    this.chosen.clear()
    this.holds = null
    clearTimeout(this.timer)
  }

  private look(): void {
    clearTimeout(this.timer)
    if (!this.chosenCount) this.holds = null
    if (!this.chosenCount) return
    this.timer = setTimeout(() => {
      void this.keep()
        .then((kept) => {
          this.holds = kept
        })
        .catch((error: unknown) => this.fail(error))
    }, 80)
  }

  private ranges(): [number, number][] | undefined {
    if (this.all) return undefined
    const places = this.chosen.size ? [...this.chosen].sort((a, b) => a - b) : [this.focus]
    const ranges: [number, number][] = []
    for (const at of places) {
      const last = ranges[ranges.length - 1]
      if (last && last[1] === at) last[1] = at + 1
      else ranges.push([at, at + 1])
    }
    return ranges
  }

  /** Let the server keep the selection, or the picture in focus where nothing is selected. */
  keep(name?: string): Promise<Selection> {
    return post<Selection>('/api/selections', {
      answer: this.answer?.answer,
      ranges: this.ranges(),
      name,
    })
  }

  // Writing; one write after the other, in the order of the keys

  private inTurn<T>(work: () => Promise<T>): Promise<T | undefined> {
    this.pending += 1
    const done = this.written
      .then(work)
      .catch((error: unknown) => {
        this.fail(error)
        return undefined
      })
      .finally(() => (this.pending -= 1))
    this.written = done
    return done
  }

  label(name: string): Promise<unknown> {
    const many = this.chosenCount
    const at = this.focus
    const kept = this.keep()
    kept.catch(() => undefined)
    this.lastLabel = name
    this.addClass(name)
    this.showLabel(name)
    if (!many) this.advance(at)
    return this.inTurn(async () => {
      const selection = await kept
      await verb('label set', { label: name }, selection.name)
      await this.wrote(`${name} added to ${count(selection.count)}`)
    })
  }

  unlabel(): Promise<unknown> {
    const kept = this.keep()
    kept.catch(() => undefined)
    this.showLabel(null)
    return this.inTurn(async () => {
      const selection = await kept
      const request = { kind: 'classification' }
      await verb('label clear', request, selection.name)
      await this.wrote(`Label removed from ${count(selection.count)}`)
    })
  }

  tag(name: string, remove = false): Promise<unknown> {
    const kept = this.keep()
    kept.catch(() => undefined)
    return this.inTurn(async () => {
      const selection = await kept
      const what = remove ? 'label untag' : 'label tag'
      const report = await verb<{ changed: number }>(what, { name }, selection.name)
      const done = remove ? 'removed from' : 'added to'
      await this.wrote(`Tag ${name} ${done} ${count(report.changed)}`)
    })
  }

  /** Let a verb change something; its request is made when it is its turn. Null if refused. */
  write<T>(
    text: string,
    name: string,
    request: () => Record<string, unknown>,
    heed?: (report: T) => void,
  ): Promise<T | null> {
    return this.inTurn(async () => {
      const report = await verb<T>(name, request())
      heed?.(report) // before the next request is made
      await this.wrote(text)
      return report
    }).then((report) => report ?? null)
  }

  /** Take a box for that of a key frame; with one of another frame, fill the frames between. */
  keyFrame(id: string, box: { label: string; track: boolean }): void {
    const first = this.keyBox
    this.keyBox = { id, label: box.label }
    const ids = first && first.id !== id && first.label === box.label ? [first.id, id] : [id]
    if (ids.length < 2 && !box.track) {
      const text = `Key frame of ${box.label}: choose it in another frame, and press k there`
      return this.say({ text, kind: 'done' })
    }
    void this.inTurn(async () => {
      const request = { annotation_ids: ids }
      const report = await verb<{ added: number; keys: number }>('label interpolate', request)
      await this.wrote(`${counted(report.added, 'box', 'boxes')} between ${report.keys} key frames`)
    })
  }

  undo(): Promise<unknown> {
    return this.inTurn(async () => {
      const what = this.last?.what ?? 'the last change'
      await verb('undo', {})
      await this.wrote(`Undone: ${what}`, { name: 'Redo', run: () => void this.redo() })
    })
  }

  redo(): Promise<unknown> {
    return this.inTurn(async () => {
      await verb('redo', {})
      await this.wrote('Done again')
    })
  }

  /** Answer a question of a review; the grid catches up when no more answers come. */
  answerReview(queue: string, body: Record<string, unknown>, text: string): Promise<unknown> {
    clearTimeout(this.later)
    return this.inTurn(async () => {
      await post(`/api/queues/${queue}/answers`, body)
      this.say({ text, kind: 'done', action: { name: 'Undo', run: () => void this.undo() } })
      clearTimeout(this.later)
      this.later = setTimeout(() => void this.catchUp(true), SETTLED)
    })
  }

  private async wrote(text: string, action?: Message['action']): Promise<void> {
    this.say({
      text,
      kind: 'done',
      action: action ?? { name: 'Undo', run: () => void this.undo() },
    })
    await this.catchUp(true)
    if (this.chosenCount) this.look()
  }

  /** Show a label before the server has it: the next picture is looked at already. */
  private showLabel(name: string | null): void {
    const places = this.all
      ? Array.from(this.rows.keys()).flatMap((page) =>
          Array.from({ length: PAGE }, (_, here) => page * PAGE + here),
        )
      : this.chosen.size
        ? [...this.chosen]
        : [this.focus]
    const touched = new Map<number, Rows>()
    for (const at of places) {
      const page = Math.floor(at / PAGE)
      const rows = touched.get(page) ?? this.rows.get(page)
      if (!rows) continue
      const fresh = touched.get(page) ?? { ...rows, label: [...rows.label] }
      fresh.label[at % PAGE] = name
      touched.set(page, fresh)
    }
    for (const [page, rows] of touched) this.rows.set(page, rows)
  }

  /** Go to the next picture without a label, or to the next one where all have one. */
  private advance(from: number): void {
    for (let at = from + 1; at < this.count; at++) {
      const row = this.row(at)
      if (row === null) break
      if (row.label === null) return this.move(at)
    }
    this.move(from + 1)
  }

  // Keeping up with what is written, here or by other processes

  private poll(): void {
    setTimeout(() => {
      if (document.hidden) return this.poll()
      void this.lookForChanges().finally(() => this.poll())
    }, POLL)
  }

  private async lookForChanges(): Promise<void> {
    try {
      const found = await get<{ snapshot: number; jobs: Job[] }>('/api/changes')
      const ended = this.jobs.filter((job) => !found.jobs.some((one) => one.number === job.number))
      this.jobs = found.jobs
      for (const job of ended) await this.tellOf(job.number)
      if (this.dataset && found.snapshot !== this.dataset.snapshot) await this.catchUp(false)
    } catch {
      // the server may be busy or gone; the next action says so
    }
  }

  private async catchUp(own: boolean): Promise<void> {
    const before = this.answer
    if (!before) return this.loadDataset()
    const turn = this.asking
    const query = `?previous=${before.answer}`
    const [answer] = await Promise.all([
      this.question.like.length || this.question.text
        ? Promise.resolve(null)
        : post<Answer>(`/api/questions${query}`, this.question),
      this.loadDataset(),
      this.loadFacets(),
    ])
    if (turn !== this.asking) return
    if (answer?.grows) {
      await this.adopt(answer, true)
      return
    }
    if (answer) this.outdated = own && answer.count === before.count ? null : answer
    this.reloadRows()
  }

  async showChanges(): Promise<void> {
    await this.ask(this.question, { keep: true })
  }

  // Long work

  async start(name: string, request: Record<string, unknown> = {}): Promise<void> {
    try {
      const job = await verb<Job>(name, request)
      this.jobs = [...this.jobs, job]
    } catch (error) {
      this.fail(error)
    }
  }

  private async tellOf(number: number): Promise<void> {
    const job = await get<Job>(`/api/jobs/${number}`)
    if (job.verb === 'export' || (this.review !== null && job.state === 'done')) return
    if (job.state === 'failed') this.say({ text: job.error ?? `${job.verb} failed`, kind: 'error' })
    else this.say({ text: `${job.verb}: ${job.state}`, kind: 'done' })
  }

  async export(format: string): Promise<void> {
    this.dialog = null
    try {
      const selection = this.chosenCount || this.changed ? await this.keepShown() : undefined
      let job = await post<Job>('/api/exports', { format, selection })
      this.say({ text: `Exporting ${format} …`, kind: 'done' })
      while (job.state === 'running') {
        await new Promise((resolve) => setTimeout(resolve, 150))
        job = await get<Job>(`/api/jobs/${job.number}`)
      }
      if (job.state !== 'done') throw new Refused(job.error ?? 'The export was cancelled.')
      const link = document.createElement('a')
      const place = `/api/exports/${job.number}`
      link.href = framed ? URL.createObjectURL(new Blob([await bytes(place)])) : place
      link.download = String(job.result?.['name'] ?? '')
      link.click()
      const exported = Number(job.result?.['exported'] ?? 0)
      this.say({ text: `${counted(exported, 'picture')} exported as ${format}`, kind: 'done' })
    } catch (error) {
      this.fail(error)
    }
  }

  private async keepShown(): Promise<string> {
    if (this.chosenCount) return (await this.keep()).name
    const kept = await post<Selection>('/api/selections', { answer: this.answer?.answer })
    return kept.name
  }

  // One picture

  async openPicture(id: string): Promise<void> {
    for (const [page, rows] of this.rows) {
      const here = rows.id.indexOf(id)
      if (here >= 0) {
        this.focus = page * PAGE + here
        this.open = true
        return
      }
    }
  }

  openFocus(): void {
    if (!this.count) return
    void this.certainRow(this.focus).then(() => {
      this.open = true
      this.remember()
    })
  }

  openReview(queue = ''): void {
    this.open = false
    this.compare = false
    this.review = queue
    this.remember()
  }

  openCompare(): void {
    this.open = false
    this.review = null
    this.compare = true
    this.remember()
  }

  /** Back to the grid, from a review or a comparison. */
  closeView(): void {
    this.review = null
    this.compare = false
    this.remember()
    void tick().then(() => document.getElementById('grid')?.focus())
  }

  closePicture(): void {
    this.open = false
    this.remember()
    void tick().then(() => document.getElementById('grid')?.focus())
  }

  // The map

  toggleMap(): void {
    this.map = !this.map
    try {
      localStorage.setItem('map', this.map ? 'yes' : 'no')
    } catch {
      // no storage: the map is where it is until the page is loaded again
    }
    if (!this.map) document.getElementById('grid')?.focus()
  }

  // Messages

  say(message: Message): void {
    this.message = message
  }

  fail(error: unknown): void {
    this.say({ text: error instanceof Error ? error.message : String(error), kind: 'error' })
  }

  resize(height: number): void {
    this.height = Math.min(Math.max(Math.round(height), 60), 400)
    this.remember()
  }
}

export const page = new Page()
