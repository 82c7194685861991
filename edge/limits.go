package edge

import (
	"time"

	"callmesh/bus/wire"
)

// Limits bound what one client, or a stranger, can make the edge keep or do.
type Limits struct {
	Rate          float64       // frames per second and session, sustained
	Burst         int           // frames at once
	ByteRate      int           // bytes per second and session, sustained, as they come over the socket
	ByteBurst     int           // bytes at once
	CallRate      float64       // calls per second and user, sustained
	CallBurst     int           // calls at once
	JoinRate      float64       // joins per second and session, sustained
	JoinBurst     int           // joins at once
	HistoryRate   float64       // pages of history per second and session, sustained
	HistoryBurst  int           // pages at once
	ContactRate   float64       // changes of contacts, and lists of them, per second and session, sustained
	ContactBurst  int           // at once
	AskRate       float64       // changes of contacts that reach a user who has not agreed, per second and user, sustained
	AskBurst      int           // at once
	KnockRate     float64       // knocks per second and session, and per user, sustained
	KnockBurst    int           // knocks at once
	ReportRate    float64       // reports of attempts to connect, per second and session, and per user, sustained
	ReportBurst   int           // reports at once
	RulingRate    float64       // kicks and locks per second and moderator's session, sustained
	RulingBurst   int           // kicks and locks at once
	InfoBytes     int           // what a peer says of itself in a room
	InfosBytes    int           // of all rooms of a session together, as the resume key carries them
	Rooms         int           // per session
	Peers         int           // per room
	Presence      int           // users watched per session
	Contacts      int           // per user, those asked and those blocked included
	HistoryPosts  int           // per request
	QueueBytes    int           // waiting to be written to one socket
	ReplayBytes   int           // replayed to one resuming session; past it the resume is not whole
	ReplayBudget  int           // bytes of all resumes together, while they are read and until they are written; past it, resumes wait
	Replays       int           // resumes that read at once; the others wait
	ReplayWait    time.Duration // a resume that had to wait longer is sent away, to come again
	Outboxes      int           // users' inboxes that the edge numbers its events for
	GuestBytes    int64         // body of a guest request
	Sockets       int           // of the edge; past it, clients are sent elsewhere
	Waiting       int           // sockets of the edge that have not said hello
	Sessions      int           // of the edge, those without a socket included; who resumes is let in regardless
	UserSessions  int           // of one user on the edge; who resumes is let in regardless
	Accounts      int           // addresses, and as many users, that are remembered though they have no socket here
	PingRate      float64       // WebSocket ping and pong frames per second and socket, sustained
	PingBurst     int           // ping and pong frames at once
	WriteTimeout  time.Duration // a frame that takes longer to write has a reader that is too slow
	HelloTimeout  time.Duration
	Heartbeat     time.Duration // a client pings at least so often; silent for twice that, its socket is cut
	Grace         time.Duration // a session without a socket lasts so long
	Ring          time.Duration // a call rings so long
	JoinWait      time.Duration // a join waits at most so long for other edges to say whom they have
	ReplayWindow  time.Duration // how far back a resume is made whole
	ResumeKeyLife time.Duration // a resume key older than that is of a session that is long over

	// LimitLoopback makes the limits of addresses, users' bytes and rooms' bytes hold for clients on this machine too. Else they have none, since
	// tests and load generators come from there, and a proxy on this machine that is not trusted would make everyone one address.
	LimitLoopback bool
	Address       AddressLimits
	UserStore     StoreLimits
	RoomStore     StoreLimits // of one edge into one room; several edges add up
}

// AddressLimits bound one address: an IPv4 address, or an IPv6 /64. Many people can be behind one.
type AddressLimits struct {
	Sockets      int
	Waiting      int     // sockets that have not said hello
	ConnectRate  float64 // WebSockets opened per second, sustained
	ConnectBurst int
	GuestRate    float64 // guests per second, sustained
	GuestBurst   int
	CallRate     float64
	CallBurst    int
	JoinRate     float64
	JoinBurst    int
	HistoryRate  float64
	HistoryBurst int
	MoveRate     float64 // moves to another device per second, sustained; each is two
	MoveBurst    int
	ContactRate  float64 // changes of contacts, and lists of them
	ContactBurst int
	AskRate      float64 // those that reach a user who has not agreed
	AskBurst     int
	KnockRate    float64
	ReportRate   float64
	ReportBurst  int
	KnockBurst   int
	RulingRate   float64 // kicks and locks by the secrets of rooms' makers
	RulingBurst  int
	ReplayBytes  int // of the replay budget
	Store        StoreLimits
}

// StoreLimits bound the bytes that one address, user or room puts where others' share the space: see [DefaultLimits] for the arithmetic.
type StoreLimits struct {
	Rate      int // bytes per second into the replay stream of one shard, sustained
	Burst     int // bytes at once
	KeepRate  int // bytes per second of kept posts, sustained
	KeepBurst int
}

// DefaultLimits are the limits of an edge unless told otherwise.
//
// A shard's replay stream holds 64 MiB for two minutes. Whoever puts more into it pushes out what others need for their resume. In those 120 s an
// address, or a user, can put 10 MiB at once and 50 KiB/s, together 15.9 MiB: a quarter. A room takes 20 MiB and 100 KiB/s, 31.7 MiB: a half.
// A meeting of 20 behind one address signals 190 times 30 KB in its first moment, 5.7 MB: it passes, and so does the same again.
//
// The history of a region has 256 MiB. A user can put in 1 MiB at once and 256 B/s, 22 MiB a day; an address 8 MiB and 2 KiB/s, a quarter in
// eight hours, which is several hundred people who write all the time.
//
// Contacts have 512 MiB in a region, and stay. A stranger who asks makes two lists of some 200 bytes: at 0.5 a second an address takes a month for a tenth.
// Rulings by the secrets of rooms' makers, which anybody can be, are half of what the mesh remembers of a day: an address can make half of those.
func DefaultLimits() Limits {
	return Limits{
		Rate: 200, Burst: 1000, ByteRate: 512 << 10, ByteBurst: 4 << 20, CallRate: 50, CallBurst: 300, JoinRate: 50, JoinBurst: 300,
		HistoryRate: 20, HistoryBurst: 200, RulingRate: 2, RulingBurst: 60,
		ContactRate: 2, ContactBurst: 100, AskRate: 0.1, AskBurst: 60, KnockRate: 0.5, KnockBurst: 20, ReportRate: 0.1, ReportBurst: 300, InfoBytes: 4 << 10, InfosBytes: 12 << 10,
		Rooms: 32, Peers: 128, Presence: 64, Contacts: 500, HistoryPosts: 100,
		QueueBytes: 1 << 20, ReplayBytes: 16 << 20, ReplayBudget: 256 << 20, Replays: 512, ReplayWait: 5 * time.Second,
		Outboxes: 64 << 10, GuestBytes: 1 << 10, Sockets: 50_000, Waiting: 20_000, Sessions: 60_000, UserSessions: 64, Accounts: 64 << 10,
		PingRate: 5, PingBurst: 50, WriteTimeout: 20 * time.Second,
		HelloTimeout: 10 * time.Second, Heartbeat: 15 * time.Second, Grace: 30 * time.Second, Ring: 30 * time.Second,
		JoinWait: 500 * time.Millisecond, ReplayWindow: time.Minute, ResumeKeyLife: 100 * time.Second,
		Address: AddressLimits{
			Sockets: 5000, Waiting: 2500, ConnectRate: 200, ConnectBurst: 5000, GuestRate: 10, GuestBurst: 200, CallRate: 50, CallBurst: 500,
			JoinRate: 200, JoinBurst: 5000, HistoryRate: 100, HistoryBurst: 2000,
			MoveRate: 0.5, MoveBurst: 60, ContactRate: 20, ContactBurst: 1000, AskRate: 0.5, AskBurst: 300, KnockRate: 5, KnockBurst: 200, ReportRate: 0.2, ReportBurst: 2000,
			RulingRate: 0.1, RulingBurst: 200, ReplayBytes: 64 << 20,
			Store: StoreLimits{Rate: 50 << 10, Burst: 10 << 20, KeepRate: 2 << 10, KeepBurst: 8 << 20},
		},
		UserStore: StoreLimits{Rate: 50 << 10, Burst: 10 << 20, KeepRate: 256, KeepBurst: 1 << 20},
		RoomStore: StoreLimits{Rate: 100 << 10, Burst: 20 << 20, KeepRate: 1 << 10, KeepBurst: 8 << 20},
	}
}

// floodFactor is how many times the rate and the burst end a connection as flooding, refused frames included.
const floodFactor = 3

func (l Limits) wire() wire.Limits {
	return wire.Limits{
		FrameBytes: wire.MaxFrameBytes, Rate: l.Rate, Burst: l.Burst, ByteRate: l.ByteRate, ByteBurst: l.ByteBurst, InfoBytes: l.InfoBytes,
		Rooms: l.Rooms, Peers: l.Peers,
		Presence: l.Presence, Contacts: l.Contacts, HistoryPosts: l.HistoryPosts, HelloMs: l.HelloTimeout.Milliseconds(), GraceMs: l.Grace.Milliseconds(),
		ReplayMs: l.ReplayWindow.Milliseconds(), RingMs: l.Ring.Milliseconds(),
	}
}
