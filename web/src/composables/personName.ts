import type { User } from '@/wire/wire.gen'

/** What to call somebody: of whom we know but the id, the id, which is long. */
export function personName({ id, name }: User): string {
  return name || (id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id)
}
