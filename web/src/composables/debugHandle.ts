import type { RoomCall } from '@/call/room'
import type { LocalMedia } from '@/media/devices'
import type { SignalClient } from '@/signal/client'

/** `window.callmesh`, the debugging handle: the call in the page, for the console and for end-to-end tests. Not for code of the page. */
export interface DebugHandle {
  room: RoomCall
  signal: SignalClient
  media: LocalMedia
  /** By peer id; read `getStats()` there. */
  peerConnections(): Map<string, RTCPeerConnection>
}

declare global {
  interface Window {
    callmesh?: DebugHandle
  }
}

/** Shows the handle until the returned function is called. */
export function showHandle(handle: DebugHandle): () => void {
  window.callmesh = handle
  return () => {
    if (window.callmesh === handle) delete window.callmesh
  }
}
