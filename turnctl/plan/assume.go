package plan

// assumptions lists what a plan rests on, the given ones first.
func assumptions(d Demand, h Host) []Assumption {
	list := []Assumption{
		{"calls", float64(d.Calls), "calls at once", "given; two people each"},
		{"bitrate", d.BitsPerSecond, "bit/s", "what one person sends, audio and video"},
		{"relay share", d.Share.Estimate, "", d.Share.from()},
	}
	if d.Share.High > d.Share.Estimate {
		list = append(list, Assumption{"relay share, planned for", d.Share.High, "", "the upper end of its interval: too few relays cost calls, too many cost money"})
	}
	keeps := "browsers keep what they gathered as long as the call, or until it is closed"
	if d.Linger > 0 {
		keeps = "given: unused allocations end after that"
	}
	return append(
		list,
		Assumption{"relayed at both ends", d.BothEnds, "of those relayed", "such a call uses two allocations, and its media passes two relays"},
		Assumption{"URLs per person", float64(d.URLs), "", "a browser allocates on each URL that it is given while it gathers, whether the call is relayed in the end or not"},
		Assumption{"unused allocations last", d.Linger, "s (0: the whole call)", keeps},
		Assumption{"a packet", packetBytes, "bytes", "of media; video fills packets to about that"},
		Assumption{"around it", headerBytes, "bytes", "Ethernet, IPv4, UDP and TURN's ChannelData; TCP and TLS add some 50 more"},
		Assumption{"an allocation's ports", 1, "port", "no client asks for pairs (EVEN-PORT)"},
		Assumption{"an allocation's files", filesPerAllocation, "file descriptors", "the client's socket and the relayed one"},
		Assumption{"an allocation's memory", bytesPerAllocation, "bytes", "coturn 4.6.1 took 24,000 (TCP) to 34,000 (UDP) when idle, measured with 600; doubled for traffic"},
		Assumption{"a host's ports", float64(h.Ports), "ports", "of the relay's range"},
		Assumption{"a host's network", h.BitsPerSecond, "bit/s each way", "given"},
		Assumption{"kept free of it", h.Headroom, "", "for bursts, and because calls don't spread evenly"},
		Assumption{"a host's files", float64(h.Files), "file descriptors", "LimitNOFILE"},
		Assumption{"a host's memory", h.Bytes, "bytes", "for coturn alone"},
		Assumption{"spare", float64(h.Spare), plural("host", h.Spare), "so that one can fail or drain"},
	)
}
