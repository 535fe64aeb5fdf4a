/** Numbers, names and times as people read them. */

const NAMES: Record<string, string> = {
  label: 'Label',
  objects: 'Objects',
  tags: 'Tags',
  split: 'Split',
  duplicate_kind: 'Copies and changed views',
  duplicate_score: 'Similarity to its copy',
  selected: 'Selected',
  selected_rank: 'Rank of selection',
  cluster: 'Cluster',
  fold: 'Fold',
  uniqueness: 'Uniqueness',
  representativeness: 'Representativeness',
  captured_at: 'Captured',
  added_at: 'Added',
  bytes: 'File size',
  kind: 'Kind of part',
}

export function columnName(column: string): string {
  if (column.startsWith('layer:')) return `Layer ${column.slice(6)}`
  const known = NAMES[column]
  if (known) return known
  const words = column.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const whole = new Intl.NumberFormat('en-US')

export function count(number: number): string {
  return whole.format(number)
}

export function counted(number: number, noun: string, many = `${noun}s`): string {
  return `${count(number)} ${number === 1 ? noun : many}`
}

export function short(number: number): string {
  if (Number.isInteger(number)) return count(number)
  if (Math.abs(number) >= 1000) return count(Math.round(number))
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 3
  return String(Number(number.toFixed(digits)))
}

export function moment(microseconds: number): string {
  return new Date(microseconds / 1000).toISOString().slice(0, 16).replace('T', ' ')
}

export function size(bytes: number): string {
  if (bytes >= 1 << 20) return `${(bytes / (1 << 20)).toFixed(1)} MB`
  return bytes >= 1024 ? `${Math.round(bytes / 1024)} KB` : `${bytes} B`
}

export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (value === true) return 'yes'
  if (value === false) return 'no'
  return String(value)
}
