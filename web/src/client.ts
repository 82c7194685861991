// callmesh for pages of one's own: all that another site needs to have calls, without Vue and without this site's page.
// `enterRoom` is enough for most; example/index.html is a whole page. What it says to edges is in bus/wire/PROTOCOL.md.

export { enterRoom, type EnteredRoom, type EnterOptions } from './call/enter'
export { RoomCall, type RoomCallOptions } from './call/room'
export type { CallError, ChatLine, LinkState, Path, PathKind, PeerView, RoomSnapshot, SignalState, Slot, Slots, User } from './call/state'
export { QualityWatch, type Budget, type LinkQuality, type QualityOptions, type QualitySnapshot } from './call/quality/watch'
export type { Cause, Trouble } from './call/quality/cause'
export type { Grade } from './call/quality/grade'
export type { Sample } from './call/quality/sample'
export { Knock, type KnockOptions, type KnockState } from './call/rights/knock'
export { madeRoom, newSecret } from './call/rights/made'
export type { Knocker, RightsSnapshot, RoomRights } from './call/rights/rights'
export { LocalMedia, type Device, type LocalMediaOptions, type MediaSnapshot, type Problem } from './media/devices'
export { SignalClient, type SignalOptions } from './signal/client'
export { WireError } from './signal/errors'
export { guestToken } from './signal/guest'
export type { TokenProvider } from './signal/token'
