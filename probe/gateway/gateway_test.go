package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a gateway on an address of its own of the loopback network, so that the ports are the real ones. A real one is asked in the laboratory, by cmd/probe.
type fake struct {
	t    *testing.T
	addr netip.Addr
}

func (f *fake) asker(doMap bool) asker {
	return asker{gateway: f.addr, local: netip.MustParseAddr("127.0.0.1"), group: netip.AddrPortFrom(f.addr, 1900), doMap: doMap}
}

// udp answers packets to a port. No answer says nothing; several are sent in turn.
func (f *fake) udp(port uint16, answer func(b []byte) [][]byte) {
	f.t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.addr, port)))
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			for _, b := range answer(bytes.Clone(buf[:n])) {
				_, _ = c.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	f.t.Cleanup(func() { _ = c.Close(); <-done })
}

// found answers searches with where the description is.
func found(location string) func([]byte) [][]byte {
	return func([]byte) [][]byte {
		return [][]byte{fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nLOCATION: %s\r\n\r\n", location)}
	}
}

// serve is an HTTP server of the gateway's, or of somebody else's.
func serve(t *testing.T, addr string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp4", addr+":0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return "http://" + l.Addr().String()
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	closed, deaf := &fake{t, netip.MustParseAddr("127.53.51.1")}, &fake{t, netip.MustParseAddr("127.53.51.2")}
	deaf.udp(mappingPort, func([]byte) [][]byte { return nil })
	deaf.udp(1900, func([]byte) [][]byte { return [][]byte{[]byte("HTTP/1.1 404 no\r\n\r\n"), []byte("\x00")} })
	for name, c := range map[string]struct {
		f    *fake
		says string
	}{"closed": {closed, "nothing listens there"}, "deaf": {deaf, "nothing came back in 2s"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := c.f.asker(true).look(t.Context())
			if !isFalse(r.NATPMP.Answers) || r.NATPMP.Maps != nil || !strings.Contains(r.NATPMP.Why, c.says) {
				t.Errorf("NAT-PMP %+v", r.NATPMP)
			}
			if !isFalse(r.PCP.Answers) || r.PCP.Maps != nil || !strings.Contains(r.PCP.Why, c.says) {
				t.Errorf("PCP %+v", r.PCP)
			}
			if !isFalse(r.UPnP.Answers) || r.UPnP.Maps != nil || r.UPnP.Why != "nothing came back in 3s" {
				t.Errorf("UPnP %+v", r.UPnP)
			}
		})
	}
}

// Each of the two shares its port with the other, and one that speaks only the other says so (RFC 6887, appendix A).
func TestOneVersionOfTwo(t *testing.T) {
	t.Parallel()
	pcpOnly, pmpOnly := &fake{t, netip.MustParseAddr("127.53.51.3")}, &fake{t, netip.MustParseAddr("127.53.51.4")}
	pcpOnly.udp(mappingPort, func(b []byte) [][]byte {
		if b[0] == 0 {
			return [][]byte{{2, 0x80, 0, 1, 0, 0, 0, 0}}
		}
		if b[1] == pcpMap {
			return [][]byte{[]byte("rubbish first"), with(mapped(b, netip.MustParseAddrPort("198.51.100.7:9")), 24, b[24]+1), mapped(b, netip.MustParseAddrPort("198.51.100.7:40000"))}
		}
		return [][]byte{with(b, 1, pcpResponse)}
	})
	pmpOnly.udp(mappingPort, func(b []byte) [][]byte {
		if b[0] != 0 {
			return [][]byte{{0, 0x80, 0, 1, 0, 0, 0, 0}}
		}
		return [][]byte{{0, 0x80 | b[1], 0, 3}} // no address outside
	})
	ctx := t.Context()
	if p := pcpOnly.asker(true).natPMP(ctx); !isFalse(p.Answers) || p.Maps != nil || !strings.Contains(p.Why, "PCP alone") {
		t.Errorf("NAT-PMP of PCP: %+v", p)
	}
	if p := pcpOnly.asker(true).pcp(ctx); !isTrue(p.Answers) || !isTrue(p.Maps) || p.External.String() != "198.51.100.7" || p.Why != "" {
		t.Errorf("PCP: %+v", p)
	}
	if p := pcpOnly.asker(false).pcp(ctx); !isTrue(p.Answers) || p.Maps != nil || p.External.IsValid() || !strings.Contains(p.Why, "with a mapping only") {
		t.Errorf("PCP without a mapping: %+v", p)
	}
	if p := pmpOnly.asker(true).pcp(ctx); !isFalse(p.Answers) || !strings.Contains(p.Why, "NAT-PMP alone") {
		t.Errorf("PCP of NAT-PMP: %+v", p)
	}
	if p := pmpOnly.asker(true).natPMP(ctx); !isTrue(p.Answers) || !isFalse(p.Maps) || p.External.IsValid() || !strings.Contains(p.Why, "external IP") {
		t.Errorf("NAT-PMP without an address: %+v", p)
	}
}

// A gateway behind another one says so by its own outer address; one that gives what was not asked for has no mapping, and what can't be deleted is told.
func TestMappingsThatAreNone(t *testing.T) {
	t.Parallel()
	f := &fake{t, netip.MustParseAddr("127.53.51.5")}
	f.udp(mappingPort, func(b []byte) [][]byte {
		switch {
		case b[0] == 0 && b[1] == 0:
			return [][]byte{{0, 0x80, 0, 0, 0, 0, 0, 1, 100, 64, 3, 4}}
		case b[0] == 0 && b[11] == 0: // to be deleted
			return [][]byte{{0, 0x81, 0, 2}}
		case b[0] == 0:
			return [][]byte{{0, 0x81, 0, 0, 0, 0, 0, 1, b[4], b[5], 0, 0, 0, 0, 0, 120}}
		case b[1] == pcpMap && b[7] == 0:
			return [][]byte{with(mapped(b, netip.AddrPortFrom(netip.IPv4Unspecified(), 1)), 3, 2)}
		case b[1] == pcpMap:
			return [][]byte{mapped(b, netip.MustParseAddrPort("10.9.9.9:77"))}
		}
		return [][]byte{with(b, 1, pcpResponse)}
	})
	p := f.asker(true).natPMP(t.Context())
	if !isTrue(p.Answers) || !isFalse(p.Maps) || p.External.String() != "100.64.3.4" || !strings.Contains(p.Why, "another NAT stands before it") || !strings.Contains(p.Why, "could not be deleted, and ends within 2m0s") {
		t.Errorf("NAT-PMP: %+v", p)
	}
	p = f.asker(true).pcp(t.Context())
	if !isTrue(p.Answers) || !isFalse(p.Maps) || p.External.String() != "10.9.9.9" || !strings.Contains(p.Why, "another NAT stands before it") || !strings.Contains(p.Why, "could not be deleted, and ends within 2m0s: it answers NOT_AUTHORIZED") {
		t.Errorf("PCP: %+v", p)
	}
}

// What was asked for and not answered may have been made: it is deleted, also by whoever has to stop while it waits.
func TestWhatMayHaveBeenMadeIsDeleted(t *testing.T) {
	t.Parallel()
	for name, stops := range map[string]bool{"the answer is lost": false, "whoever asks stops": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{t, netip.AddrFrom4([4]byte{127, 53, 53, 1})}
			if stops {
				f.addr = f.addr.Next()
			}
			forUPnP, stopUPnP := context.WithCancel(t.Context())
			defer stopUPnP()
			forPCP, stopPCP := context.WithCancel(t.Context())
			defer stopPCP()
			var pmp, pcp, upnp atomic.Int32 // deleted
			f.udp(mappingPort, func(b []byte) [][]byte {
				switch {
				case b[0] == 0 && b[1] == 0:
					return [][]byte{{0, 0x80, 0, 0, 0, 0, 0, 1, 11, 0, 0, 1}}
				case b[0] == 0 && bytes.Equal(b[8:12], make([]byte, 4)):
					pmp.Add(1)
					return [][]byte{{0, 0x81, 0, 0, 0, 0, 0, 1, b[4], b[5], 0, 0, 0, 0, 0, 0}}
				case b[0] == 0:
					return nil
				case b[1] != pcpMap:
					return [][]byte{with(b, 1, pcpResponse)}
				case bytes.Equal(b[4:8], make([]byte, 4)):
					pcp.Add(1)
					return [][]byte{mapped(b, netip.AddrPortFrom(netip.IPv4Unspecified(), 0))}
				}
				if stops {
					stopPCP()
				}
				return nil
			})
			f.udp(1900, found(serve(t, f.addr.String(), func(w http.ResponseWriter, r *http.Request) {
				action := r.Header.Get("SOAPACTION")
				switch {
				case r.Method == http.MethodGet:
					fmt.Fprintf(w, device, "", "WANIPConnection:1", "/ctl")
				case strings.Contains(action, "GetExternalIPAddress"):
					_, _ = io.WriteString(w, soapAnswer("GetExternalIPAddress", "<NewExternalIPAddress>11.0.0.1</NewExternalIPAddress>"))
				case strings.Contains(action, "GetSpecificPortMappingEntry"):
					w.WriteHeader(http.StatusInternalServerError)
					_, _ = io.WriteString(w, soapFault(noSuchEntry))
				case strings.Contains(action, "DeletePortMapping"):
					upnp.Add(1)
					_, _ = io.WriteString(w, soapAnswer("DeletePortMapping", ""))
				default:
					if !stops { // cut off without a word
						panic(http.ErrAbortHandler)
					}
					stopUPnP()
					_, _ = io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
				}
			})+"/d.xml"))
			a := f.asker(true)
			if p := a.upnp(forUPnP); !isFalse(p.Maps) || upnp.Load() != 1 {
				t.Errorf("UPnP: %+v, deleted %d times", p, upnp.Load())
			}
			if p := a.pcp(forPCP); !isFalse(p.Maps) || pcp.Load() == 0 {
				t.Errorf("PCP: %+v, deleted %d times", p, pcp.Load())
			}
			if p := a.natPMP(t.Context()); !isFalse(p.Maps) || pmp.Load() == 0 {
				t.Errorf("NAT-PMP: %+v, deleted %d times", p, pmp.Load())
			}
		})
	}
}

func soapFault(code int) string {
	return fmt.Sprintf(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>
<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code)
}

const device = `<root xmlns="urn:schemas-upnp-org:device-1-0">%s<device><deviceList><device><serviceList><service>
<serviceType>urn:schemas-upnp-org:service:%s</serviceType><controlURL>%s</controlURL></service></serviceList></device></deviceList></device></root>`

func soapAnswer(action, body string) string {
	return fmt.Sprintf(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%sResponse xmlns:u="x">%s</u:%sResponse></s:Body></s:Envelope>`, action, body, action)
}

// Whatever a gateway says, nobody else is spoken to, nothing is read without end, and no word of it reaches a terminal as it is.
func TestNobodyElseIsAsked(t *testing.T) {
	t.Parallel()
	var strays atomic.Int32
	elsewhere := serve(t, "127.53.51.99", func(http.ResponseWriter, *http.Request) { strays.Add(1) })
	for i, c := range []struct {
		name, location string
		http           http.HandlerFunc
		says           string
	}{
		{name: "a description elsewhere", location: elsewhere + "/d.xml", says: "not at the gateway's own address"},
		{name: "a name", location: "http://localhost:80/d.xml", says: "not at the gateway's own address"},
		{name: "a file", location: "file:///etc/passwd", says: "says that its description is at"},
		{name: "a redirect", http: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) }, says: "it sends elsewhere"},
		{name: "control elsewhere", http: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, device, "", "WANIPConnection:1", elsewhere+"/ctl")
		}, says: "not at the gateway's own address"},
		{name: "all elsewhere", http: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, device, "<URLBase>"+elsewhere+"</URLBase>", "WANPPPConnection:1", "/ctl")
		}, says: "not at the gateway's own address"},
		{name: "no end", http: func(w http.ResponseWriter, _ *http.Request) {
			for b := []byte("<root>" + strings.Repeat(" ", 1<<16)); ; {
				if _, err := w.Write(b); err != nil {
					return
				}
			}
		}, says: "description: "},
		{name: "no service", http: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, device, "", "Layer3Forwarding:1", "/") }, says: "names no connection"},
		{name: "no address", http: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprintf(w, device, "", "WANIPConnection:1", "/ctl")
				return
			}
			_, _ = io.WriteString(w, soapAnswer("GetExternalIPAddress", "<NewExternalIPAddress>&#x9b;2J</NewExternalIPAddress>"))
		}, says: `external address: "\u009b2J" is none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fake{t, netip.AddrFrom4([4]byte{127, 53, 52, byte(1 + i)})}
			if c.http != nil {
				c.location = serve(t, f.addr.String(), c.http) + "/d.xml"
			}
			f.udp(1900, found(c.location))
			p := f.asker(false).upnp(t.Context())
			if !isTrue(p.Answers) || p.External.IsValid() || !strings.Contains(p.Why, c.says) || strings.ContainsAny(p.Why, "\x1b\u009b") || len(p.Why) > 600 {
				t.Errorf("%+v", p)
			}
		})
	}
	t.Cleanup(func() {
		if n := strays.Load(); n != 0 {
			t.Errorf("somebody who is not the gateway was asked %d times", n)
		}
	})
}

// What others on the link answer is told, and not followed.
func TestStrangersAnswer(t *testing.T) {
	t.Parallel()
	stranger := &fake{t, netip.MustParseAddr("127.53.51.6")}
	var asked atomic.Int32
	stranger.udp(1900, found(serve(t, "127.53.51.6", func(http.ResponseWriter, *http.Request) { asked.Add(1) })))
	a := stranger.asker(false)
	a.gateway = netip.MustParseAddr("127.53.51.7")
	if p := a.upnp(t.Context()); !isFalse(p.Answers) || !strings.Contains(p.Why, "others on the link do (1)") || asked.Load() != 0 {
		t.Errorf("%+v, asked %d times", p, asked.Load())
	}
}

func TestWhoStopsDoesNotWait(t *testing.T) {
	t.Parallel()
	deaf := &fake{t, netip.MustParseAddr("127.53.51.8")}
	asked := make(chan struct{}, 100)
	deaf.udp(1900, func([]byte) [][]byte { asked <- struct{}{}; return nil })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan Protocol, 1)
	go func() { done <- deaf.asker(false).upnp(ctx) }()
	<-asked
	stop()
	begun := time.Now()
	if p := <-done; p.Answers != nil || p.Why == "" {
		t.Errorf("%+v after %s", p, time.Since(begun))
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Result{Why: errNoRoute.Error()})
	if err != nil || string(b) != `{"upnp":{"answers":null,"maps":null},"natPmp":{"answers":null,"maps":null},"pcp":{"answers":null,"maps":null},"why":"`+errNoRoute.Error()+`"}` {
		t.Errorf("%s, %v", b, err)
	}
}
