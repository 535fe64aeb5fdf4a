/** A review: which questions are asked, in which order, and how they are answered. */

import { SvelteSet } from 'svelte/reactivity'
import {
  get,
  post,
  type Asked,
  type Choice,
  type Item,
  type QueueDocument,
  type QueueState,
} from './api'
import { page } from './page.svelte'
import { count } from './words'

const LOADED = 20
const FEW = 8
const LOOK = 500

export class Review {
  queues = $state.raw<QueueState[]>([])
  document = $state.raw<QueueDocument | null>(null)
  items = $state.raw<Item[]>([])
  pictures = $state.raw<Record<string, Asked>>({})
  /** Pictures of a group that the answer is not about. */
  without = new SvelteSet<string>()
  threshold = $state<number | null>(null)
  zoomed = $state(false)
  private skipped: string[] = []
  private given = new Set<string>()
  private turn = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  item = $derived<Item | null>(this.items[0] ?? null)
  left = $derived(this.document?.left ?? 0)

  /** How the queue that is worked on stands. */
  get state(): QueueState | null {
    return this.queues.find((one) => one.name === page.review) ?? null
  }

  /** Load the list of queues, and the questions of the one that is worked on. */
  async load(): Promise<void> {
    const turn = ++this.turn
    try {
      const { queues } = await get<{ queues: QueueState[] }>('/api/queues')
      if (turn !== this.turn) return
      this.queues = queues
      await this.loadItems(turn)
      this.watch()
    } catch (error) {
      page.fail(error)
    }
  }

  private async loadItems(turn: number): Promise<void> {
    const name = page.review
    if (!name) return
    const above = this.threshold === null ? '' : `&threshold=${this.threshold}`
    // more than are skipped or on their way, so that others are among them
    const limit = LOADED + this.skipped.length + this.given.size
    const found = await get<QueueDocument>(`/api/queues/${name}?limit=${limit}${above}`)
    if (turn !== this.turn || name !== page.review) return
    const asked = found.items.filter((one) => !this.given.has(one.key))
    const later = new Map(this.skipped.map((key, at) => [key, at + 1]))
    asked.sort((a, b) => (later.get(a.key) ?? 0) - (later.get(b.key) ?? 0))
    this.document = { ...found, left: found.left - (found.items.length - asked.length) }
    this.pictures = found.pictures
    if (asked[0]?.key !== this.item?.key) this.without.clear()
    this.items = asked
    this.ahead()
  }

  /** While work runs that finds questions, look how far it is. */
  private watch(): void {
    clearTimeout(this.timer)
    if (this.queues.some((one) => one.job?.state === 'running'))
      this.timer = setTimeout(() => void this.load(), LOOK)
  }

  end(): void {
    clearTimeout(this.timer)
    this.turn += 1
    this.document = null
    this.items = []
    this.skipped = []
    this.given.clear()
    this.threshold = null
    this.zoomed = false
  }

  async find(name: string): Promise<void> {
    try {
      const body = page.changed ? { answer: page.answer?.answer } : {}
      await post(`/api/queues/${name}`, body)
    } catch (error) {
      page.fail(error)
    }
    await this.load()
  }

  answer(choice: Pick<Choice, 'answer' | 'name' | 'label'>): void {
    const item = this.item
    const queue = page.review
    if (!item || !queue) return
    const without = [...this.without]
    const body = { key: item.key, answer: choice.answer, label: choice.label, without }
    this.next(item)
    this.given.add(item.key)
    if (this.document)
      this.document = { ...this.document, left: Math.max(this.document.left - 1, 0) }
    void page.answerReview(queue, body, choice.name).finally(() => {
      this.given.delete(item.key)
      if (this.items.length < FEW && !this.given.size) void this.load()
    })
  }

  answerClass(label: string): void {
    const item = this.item
    if (!item?.classes) return
    const same = item.choices.find((one) => one.label === label)
    if (same) return this.answer(same)
    if (label === item.given) {
      const keeps = item.choices.find((one) => one.answer === 'keep')
      if (keeps) return this.answer(keeps)
    }
    page.addClass(label)
    this.answer({ answer: 'change', name: label, label })
  }

  skip(): void {
    const item = this.item
    if (!item) return
    this.skipped = [...this.skipped.filter((key) => key !== item.key), item.key]
    this.next(item)
    if (this.items.length < FEW && this.left > this.items.length + 1) void this.load()
    else this.items = [...this.items, item]
  }

  private next(item: Item): void {
    this.items = this.items.filter((one) => one.key !== item.key)
    this.without.clear()
    this.zoomed = false
    this.ahead()
  }

  /** The pictures of the next question are there when it is asked. */
  private ahead(): void {
    for (const side of this.items[1]?.sides ?? [])
      if (side.ids.length === 1) new Image().src = `/api/pictures/${side.ids[0]}/original`
  }
}

/** How long some answers take, in words. */
export function duration(answers: number, seconds: number): string {
  const whole = answers * seconds
  if (whole < 50) return `about ${Math.max(10, Math.ceil(whole / 10) * 10)} s`
  if (whole < 90 * 60) return `about ${count(Math.ceil(whole / 60))} min`
  return `about ${Math.round(whole / 360) / 10} h`
}
