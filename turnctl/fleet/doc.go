// Package fleet keeps the mesh informed of its relays, and shows them.
//
// An [Agent] stands beside each relay. It checks the relay's URLs over and over, decides with hysteresis which of them work ([Health.Next]), and says so in the
// registry of relays on the bus, where edges find what to give to their sessions. What it says holds for one lease: an agent that dies takes its relay
// along. [Report] and [Table] show what all agents say.
//
// The one promise in time: within one interval of the moment at which a relay fails, the registry says so, though it fails by falling silent ([Pace]).
package fleet
