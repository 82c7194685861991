/** Whether this browser can connect to others: a few have no WebRTC, and policies, settings and extensions take it away. */
export function canConnect(): boolean {
  return typeof globalThis.RTCPeerConnection === 'function'
}
