// Package plan says what relays a mesh needs: ports, bandwidth, file descriptors, memory and hosts for so many calls. It is arithmetic over assumptions, all
// of which stand in the result with their reasons, and nothing else: it asks nobody and measures nothing.
package plan

import (
	"fmt"
	"math"
)

// Demand is what the relays are for.
type Demand struct {
	// Calls at the same time, relayed or not, of two people each.
	Calls int
	// BitsPerSecond is what one person sends in a call: audio and video together.
	BitsPerSecond float64
	// Share of the calls whose media goes through a relay, from 0 to 1.
	Share Share
	// BothEnds is the share of those whose media goes through two relays, one for each person, from 0 to 1.
	BothEnds float64
	// URLs is how many of a relay's URLs a person's browser is given: it allocates on each while it gathers, relayed or not.
	URLs int
	// Seconds is for how long a browser keeps the allocations that its call does not use; 0: as long as the call.
	Linger, CallLength float64
}

// Host is what one relay's host has.
type Host struct {
	// Ports of the relay's range.
	Ports int
	// BitsPerSecond of the network each way, of which Headroom is kept free, from 0 to 1.
	BitsPerSecond, Headroom float64
	// Files that the process may open, and Bytes of memory that it may use.
	Files int
	Bytes float64
	// Spare hosts per region, for when one fails or drains.
	Spare int
}

// What one allocation costs, of coturn 4.6.1.
const (
	// bytesPerAllocation is twice what coturn took here when idle: 24 KB over TCP, 34 KB over UDP, from 14 MB at the start.
	bytesPerAllocation = 64 << 10
	baseBytes          = 32 << 20
	// filesPerAllocation are the client's socket and the relayed one; filesAtRest those that coturn has without clients, and some for logs and its database.
	filesPerAllocation = 2
	filesAtRest        = 200
	// packetBytes is a video packet as browsers send it. Around it are 20 bytes of IPv4, 8 of UDP, 4 of ChannelData (RFC 8656, section 12.4) and 18 of Ethernet.
	packetBytes = 1200
	headerBytes = 50
)

// Assumption is one figure that the plan rests on.
type Assumption struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Why   string  `json:"why"`
}

// Need is what all relays together need, without spare.
type Need struct {
	RelayedCalls float64 `json:"relayedCalls"`
	Allocations  int     `json:"allocations"`
	Ports        int     `json:"ports"`
	// BitsPerSecond is what comes in, and as much goes out.
	BitsPerSecond float64 `json:"bitsPerSecondEachWay"`
	Files         int     `json:"fileDescriptors"`
	Bytes         float64 `json:"memoryBytes"`
}

// Bound is how many hosts one thing alone would need.
type Bound struct {
	By    string  `json:"by"`
	Need  float64 `json:"need"`
	Each  float64 `json:"hostHas"`
	Unit  string  `json:"unit"`
	Hosts int     `json:"hosts"`
}

// Setting is a line of configuration for each host that follows from the plan.
type Setting struct {
	Where string `json:"where"`
	Line  string `json:"line"`
}

// Plan is the result.
type Plan struct {
	Assumptions []Assumption `json:"assumptions"`
	Need        Need         `json:"need"`
	Bounds      []Bound      `json:"bounds"`
	// Hosts with Spare, and which bound decides.
	Hosts    int       `json:"hosts"`
	Spare    int       `json:"spareHosts"`
	Because  string    `json:"because"`
	Settings []Setting `json:"settingsPerHost"`
}

// Make plans. Errors say which figure is wrong and what would be right.
func Make(d Demand, h Host) (Plan, error) {
	if err := check(d, h); err != nil {
		return Plan{}, err
	}
	used := 1 + d.BothEnds // allocations that a relayed call uses
	relayed := float64(d.Calls) * d.Share.High
	// Each person's browser allocates on every URL; those that the call does not use stay for the linger.
	kept := 1.0
	if d.Linger > 0 {
		kept = math.Min(1, d.Linger/d.CallLength)
	}
	gathered := 2 * float64(d.URLs) * float64(d.Calls)
	allocations := relayed*used + (gathered-relayed*used)*kept
	wire := d.BitsPerSecond * (packetBytes + headerBytes) / packetBytes
	// What each of two sends comes in once and goes out once, for every relay on the way.
	bits := relayed * used * 2 * wire

	n := Need{RelayedCalls: relayed, Allocations: ceil(allocations), Ports: ceil(allocations), BitsPerSecond: bits}
	p := Plan{Spare: h.Spare, Assumptions: assumptions(d, h)}
	perHost := math.Min(float64(h.Ports), float64(h.Files-filesAtRest)/filesPerAllocation)
	perHost = math.Min(perHost, (h.Bytes-baseBytes)/bytesPerAllocation)
	p.Bounds = []Bound{
		bound("ports", allocations, float64(h.Ports), "ports"),
		bound("bandwidth", bits, h.BitsPerSecond*(1-h.Headroom), "bit/s each way"),
		bound("file descriptors", filesPerAllocation*allocations, float64(h.Files-filesAtRest), "files"),
		bound("memory", bytesPerAllocation*allocations, h.Bytes-baseBytes, "bytes"),
	}
	for _, b := range p.Bounds {
		if b.Hosts > p.Hosts {
			p.Hosts, p.Because = b.Hosts, b.By
		}
	}
	n.Files = filesPerAllocation*n.Allocations + p.Hosts*filesAtRest
	n.Bytes = bytesPerAllocation*float64(n.Allocations) + float64(p.Hosts)*baseBytes
	p.Need = n
	p.Settings = settings(h, int(perHost))
	p.Hosts += h.Spare
	return p, nil
}

func ceil(f float64) int { return int(math.Ceil(f)) }

func bound(by string, need, each float64, unit string) Bound {
	return Bound{By: by, Need: need, Each: each, Unit: unit, Hosts: max(1, ceil(need/each))}
}

func settings(h Host, quota int) []Setting {
	return []Setting{
		{"turnserver.conf", "min-port=" + fmt.Sprint(65535-h.Ports+1)},
		{"turnserver.conf", "max-port=65535"},
		{"turnserver.conf", "total-quota=" + fmt.Sprint(quota)},
		{"systemd", "LimitNOFILE=" + fmt.Sprint(h.Files)},
		{"turnctl watch", "capacity: " + fmt.Sprint(quota)},
	}
}

func check(d Demand, h Host) error {
	share := func(f float64) bool { return f >= 0 && f <= 1 }
	const most = 1e15
	switch {
	case d.Calls < 1 || d.Calls > 100_000_000:
		return fmt.Errorf("calls: %d is not from 1 to 100000000", d.Calls)
	case !(d.BitsPerSecond >= 1000 && d.BitsPerSecond <= 1e9):
		return fmt.Errorf("bitrate: %g bit/s is not from 1k to 1G", d.BitsPerSecond)
	case !share(d.Share.Low) || !share(d.Share.Estimate) || !share(d.Share.High) || d.Share.Low > d.Share.Estimate || d.Share.Estimate > d.Share.High:
		return fmt.Errorf("relay-share: %g (from %g to %g) is no share with its interval; want numbers from 0 to 1", d.Share.Estimate, d.Share.Low, d.Share.High)
	case !share(d.BothEnds):
		return fmt.Errorf("both-ends-share: %g is not from 0 to 1", d.BothEnds)
	case d.URLs < 1 || d.URLs > 9:
		return fmt.Errorf("urls: %d is not from 1 to 9", d.URLs)
	case d.Linger < 0 || d.Linger > 0 && !(d.CallLength > 0):
		return fmt.Errorf("linger: %g s of calls of %g s: want 0 or more, of more than 0", d.Linger, d.CallLength)
	case h.Ports < 2 || h.Ports > 64512:
		return fmt.Errorf("ports: %d is not from 2 to 64512, which is all above 1023", h.Ports)
	case !(h.BitsPerSecond >= 1e6 && h.BitsPerSecond <= most):
		return fmt.Errorf("bandwidth: %g bit/s is not 1M or more", h.BitsPerSecond)
	case !(h.Headroom >= 0 && h.Headroom < 0.95):
		return fmt.Errorf("headroom: %g is not from 0 to 0.95", h.Headroom)
	case h.Files < filesAtRest+100 || h.Files > 1<<30:
		return fmt.Errorf("files: %d is not %d or more", h.Files, filesAtRest+100)
	case !(h.Bytes >= 2*baseBytes && h.Bytes <= most):
		return fmt.Errorf("memory: %g bytes is not %d or more", h.Bytes, 2*baseBytes)
	case h.Spare < 0 || h.Spare > 1000:
		return fmt.Errorf("spare: %d is not from 0 to 1000", h.Spare)
	}
	return nil
}
