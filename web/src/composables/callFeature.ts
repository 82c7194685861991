// How a feature joins the call: it gives actions, notices, a panel and so on, and the call's page puts each where it belongs.
// The page itself knows of no feature but through this; they are listed in views/callFeatures.ts.
import { inject, provide, type Component, type InjectionKey } from 'vue'
import type { IconName } from '@/components/icons'
import type { RoomCall } from '@/call/room'
import type { PeerView, RoomSnapshot } from '@/call/state'
import type { LocalMedia, MediaSnapshot } from '@/media/devices'
import type { Notice } from './callNotices'

/** What a feature has to work with. It is made in the call's scope, so `onScopeDispose` is the end of the call. */
export interface CallContext {
  call: RoomCall
  media: LocalMedia
  room: () => RoomSnapshot
  devices: () => MediaSnapshot
  /** Opens the panel with this id, or closes the one that is open. */
  openPanel(id: string | null): void
  panel: () => string | null
}

/** Something to do. Words are in the reader's language already. */
export interface CallAction {
  /** Also the data-testid. */
  id: string
  icon: IconName
  label: string
  /** A whole sentence, where the label is but a word. */
  hint?: string
  /** For what is on or off; left out for what merely happens. */
  pressed?: boolean
  disabled?: boolean
  danger?: boolean
  /** A key pressed alone, while no field has the focus. */
  shortcut?: string
  /** In the bar only where there is room, and else in the menu; the menu unless told. */
  place?: 'bar' | 'menu'
  run(): void
}

/** A mark on somebody's tile. */
export interface TileMark {
  id: string
  icon: IconName
  label: string
  tone?: 'calm' | 'warn' | 'bad'
}

/** Whose tile it is: a peer's, or null for our own. */
export type TileOwner = PeerView | null

export interface CallPanel {
  id: string
  heading: string
  component: Component
  props?: Record<string, unknown>
}

/** All parts are read anew at every change, so they can be plain functions of reactive state. */
export interface CallFeature {
  actions?: () => CallAction[]
  notices?: () => Notice[]
  panel?: () => CallPanel
  /** Lies over the tiles for the whole call: dialogs, things that float. */
  overlay?: { component: Component; props?: () => Record<string, unknown> }
  tileActions?: (owner: TileOwner) => CallAction[]
  tileMarks?: (owner: TileOwner) => TileMark[]
  /** What more there is to say of the connection, a few words each, behind the tile's path. */
  tileFigures?: (owner: TileOwner) => string[]
}

export type CallFeatureMaker = (context: CallContext) => CallFeature

interface TileParts {
  actions: (owner: TileOwner) => CallAction[]
  marks: (owner: TileOwner) => TileMark[]
  figures: (owner: TileOwner) => string[]
}

const TILE_PARTS: InjectionKey<TileParts> = Symbol('tile parts')
const NONE: TileParts = { actions: () => [], marks: () => [], figures: () => [] }

export function provideTileParts(features: CallFeature[]): void {
  provide(TILE_PARTS, {
    actions: (owner) => features.flatMap((feature) => feature.tileActions?.(owner) ?? []),
    marks: (owner) => features.flatMap((feature) => feature.tileMarks?.(owner) ?? []),
    figures: (owner) => features.flatMap((feature) => feature.tileFigures?.(owner) ?? []),
  })
}

export function useTileParts(): TileParts {
  return inject(TILE_PARTS, NONE)
}
