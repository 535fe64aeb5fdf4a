/** Thumbnails as the page needs them: what is on the screen first, in batches, the last kept. */

import { SvelteMap } from 'svelte/reactivity'
import { bytes } from './api'

const AT_ONCE = 24
const IN_FLIGHT = 3
const KEPT = 1200

export class Thumbnails {
  /** Addresses by sample id; empty where the dataset has no thumbnail. */
  readonly urls = new SvelteMap<string, string>()
  private wanted: string[] = []
  private asked = new Set<string>()
  private running = 0

  /** Say which pictures are on the screen, most wanted first; others wait no longer. */
  want(ids: string[]): void {
    this.wanted = ids.filter((id) => !this.urls.has(id) && !this.asked.has(id))
    this.next()
  }

  private next(): void {
    while (this.running < IN_FLIGHT && this.wanted.length) {
      const batch = this.wanted.splice(0, AT_ONCE)
      for (const id of batch) this.asked.add(id)
      this.running += 1
      void this.load(batch)
    }
  }

  private async load(ids: string[]): Promise<void> {
    try {
      const packed = await bytes(`/api/thumbnails?ids=${ids.join(',')}`)
      const sizes = new Uint32Array(packed, 0, ids.length + 1)
      let at = 4 * (ids.length + 1)
      ids.forEach((id, number) => {
        const size = sizes[number + 1]!
        const jpeg = new Uint8Array(packed, at, size)
        at += size
        const url = size ? URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' })) : ''
        this.urls.set(id, url)
      })
      this.forget()
    } catch {
      // the next scroll asks again
    } finally {
      for (const id of ids) this.asked.delete(id)
      this.running -= 1
      this.next()
    }
  }

  private forget(): void {
    for (const [id, url] of this.urls) {
      if (this.urls.size <= KEPT) return
      this.urls.delete(id)
      URL.revokeObjectURL(url)
    }
  }
}
