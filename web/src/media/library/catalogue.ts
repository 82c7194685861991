import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { LibraryItem } from './item'

interface Schema extends DBSchema {
  items: { key: string; value: LibraryItem }
}

/** What is in the library, in IndexedDB. */
export class Catalogue {
  private readonly database: IDBPDatabase<Schema>

  private constructor(database: IDBPDatabase<Schema>) {
    this.database = database
  }

  static async open(): Promise<Catalogue> {
    const database = await openDB<Schema>('callmesh-library', 1, {
      upgrade: (made) => void made.createObjectStore('items', { keyPath: 'id' }),
      // A newer page in another tab must not wait for this one.
      blocking: (_now, _next, event) => (event.target as IDBDatabase).close(),
    })
    return new Catalogue(database)
  }

  all(): Promise<LibraryItem[]> {
    return this.database.getAll('items')
  }

  get(id: string): Promise<LibraryItem | undefined> {
    return this.database.get('items', id)
  }

  async put(item: LibraryItem): Promise<void> {
    await this.database.put('items', item)
  }

  async remove(id: string): Promise<void> {
    await this.database.delete('items', id)
  }

  close(): void {
    this.database.close()
  }
}
