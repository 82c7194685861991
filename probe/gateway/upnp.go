package gateway

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// maxBody is how much is read of what a gateway says over HTTP; descriptions take some 5 KB.
const maxBody = 256 << 10

// upnp is UPnP's Internet Gateway Device, version 1 or 2.
func (a asker) upnp(ctx context.Context) (p Protocol) {
	at, strangers, err := a.locate(ctx)
	var net *net.OpError
	switch {
	case errors.Is(err, errSilent) && strangers > 0:
		p.silent("the gateway does not answer, while others on the link do (%d), who are not asked", strangers)
		return p
	case errors.Is(err, errSilent):
		p.silent("nothing came back in 3s")
		return p
	case errors.As(err, &net):
		p.because("it could not be asked: %s", said(err))
		return p
	}
	p.answers()
	if err != nil {
		p.because("%v", err)
		return p
	}
	c, err := a.connection(ctx, at)
	if err != nil {
		p.because("%s", said(err))
		return p
	}
	if text, err := c.GetExternalIPAddressCtx(ctx); err != nil {
		p.because("external address: %s", fault(err))
	} else if ip, err := netip.ParseAddr(text); err != nil && text != "" {
		p.because("external address: %.100q is none", text)
	} else {
		p.tells(ip)
	}
	if a.doMap {
		p.maps(a.mapByUPnP(ctx, c))
	}
	return p
}

// client speaks HTTP with the gateway and with nobody else, whatever a description, a redirect or a proxy says.
func (a asker) client() http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: a.local.AsSlice()}}
	return http.Client{
		Timeout:       patience * 2,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("it sends elsewhere") },
		Transport: bounded{&http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, err := net.SplitHostPort(address)
				if err == nil {
					err = a.own(host)
				}
				if err != nil {
					return nil, fmt.Errorf("%.100q: %w", address, err)
				}
				return dialer.DialContext(ctx, network, address)
			},
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxBody,
		}},
	}
}

// bounded ends each body where it gets too long.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		got.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(got.Body, maxBody), got.Body}
	}
	return got, err
}

// connection is what is asked of a gateway: WANIPConnection of either version, or WANPPPConnection, which are alike.
type connection interface {
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
	GetSpecificPortMappingEntryCtx(ctx context.Context, remote string, outer uint16, protocol string) (inner uint16, client string, enabled bool, description string, lease uint32, err error)
	AddPortMappingCtx(ctx context.Context, remote string, outer uint16, protocol string, inner uint16, client string, enabled bool, description string, lease uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, outer uint16, protocol string) error
}

// connection reads the description, and takes the first service that it has for this.
func (a asker) connection(ctx context.Context, at *url.URL) (connection, error) {
	httpc := a.client()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	got, err := httpc.Do(request)
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("description: HTTP %d", got.StatusCode)
	}
	var root goupnp.RootDevice
	d := xml.NewDecoder(got.Body)
	d.DefaultSpace = goupnp.DeviceXMLNamespace
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	base := at
	if root.URLBaseStr != "" {
		if base, err = url.Parse(root.URLBaseStr); err != nil {
			return nil, fmt.Errorf("description: %w", err)
		}
	}
	root.SetURLBase(base)
	for _, kind := range []string{internetgateway2.URN_WANIPConnection_2, internetgateway2.URN_WANIPConnection_1, internetgateway2.URN_WANPPPConnection_1} {
		all, err := goupnp.NewServiceClientsFromRootDevice(&root, at, kind)
		if err != nil {
			continue // it has none of this kind
		}
		s := all[0]
		s.SOAPClient.HTTPClient = httpc
		switch kind {
		case internetgateway2.URN_WANIPConnection_2:
			return &internetgateway2.WANIPConnection2{ServiceClient: s}, nil
		case internetgateway2.URN_WANIPConnection_1:
			return &internetgateway2.WANIPConnection1{ServiceClient: s}, nil
		default:
			return &internetgateway2.WANPPPConnection1{ServiceClient: s}, nil
		}
	}
	return nil, errors.New("the description names no connection to the Internet (WANIPConnection, WANPPPConnection)")
}

const (
	noSuchEntry = 714 // UPnP's error of an entry that is not there
	description = "callmesh probe"
)

// mapByUPnP makes a mapping of an outer port that nobody has, looks at it, and deletes it.
func (a asker) mapByUPnP(ctx context.Context, c connection) (err error) {
	held, port, err := a.hold()
	if err != nil {
		return err
	}
	defer func() { _ = held.Close() }()
	// Asked first: a mapping that this host has for another program would be replaced.
	if _, _, _, _, _, err := c.GetSpecificPortMappingEntryCtx(ctx, "", port, "UDP"); err == nil {
		return fmt.Errorf("the outer port %d is taken", port)
	} else if code, _ := faultCode(err); code != noSuchEntry {
		return fmt.Errorf("looking for one: %w", readable(err))
	}
	if err := c.AddPortMappingCtx(ctx, "", port, "UDP", port, a.local.String(), true, description, uint32(lifetime/time.Second)); err != nil {
		if code, _ := faultCode(err); code == 0 { // it may have been made, and the answer lost or not waited for
			_ = c.DeletePortMappingCtx(context.WithoutCancel(ctx), "", port, "UDP")
		}
		return readable(err)
	}
	defer func() {
		// Whoever has to stop still takes away what it made.
		if e := c.DeletePortMappingCtx(context.WithoutCancel(ctx), "", port, "UDP"); e != nil {
			err = errors.Join(err, fmt.Errorf("it could not be deleted, and ends within %s: %w", lifetime, readable(e)))
		}
	}()
	inner, client, enabled, _, _, err := c.GetSpecificPortMappingEntryCtx(ctx, "", port, "UDP")
	if err != nil {
		return fmt.Errorf("looking at it: %w", readable(err))
	}
	if inner != port || client != a.local.String() || !enabled {
		return fmt.Errorf("it leads to port %d of %.50q (enabled: %t), and not to port %d of %s", inner, client, enabled, port, a.local)
	}
	return nil
}

func faultCode(err error) (int, string) {
	var f *soap.SOAPFaultError
	if !errors.As(err, &f) {
		return 0, ""
	}
	return f.Detail.UPnPError.Errorcode, f.Detail.UPnPError.ErrorDescription
}

// readable is a fault by its number and name: what the library makes of it is its XML.
func readable(err error) error {
	if code, name := faultCode(err); code != 0 {
		return fmt.Errorf("error %d %.100s", code, name)
	}
	return err
}

func fault(err error) string { return said(readable(err)) }
