// Package nodeaddr asks Kubernetes which public address a node has: one behind a cloud's NAT does not know it itself.
package nodeaddr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say whom to ask. All are required.
type Options struct {
	// Server is the API server, as https://10.96.0.1:443.
	Server string
	// Credentials is a folder with the token and the ca.crt of an account that may get nodes.
	Credentials string
	// Node is its name.
	Node string
}

const (
	// answerTime is how long one answer may take, answerBytes how long it may be: a node with its images and conditions has some 50 KB.
	answerTime  = 10 * time.Second
	answerBytes = 8 << 20
)

// node is what is read of Kubernetes' object.
type node struct {
	Status struct {
		Addresses []struct{ Type, Address string }
	}
}

// External is the node's first external address of the family of own; the zero address if it has none.
func External(ctx context.Context, o Options, own netip.Addr) (netip.Addr, error) {
	// Read each time: a token is renewed, and is there only once the kubelet has put it there.
	token, err := os.ReadFile(filepath.Join(o.Credentials, "token"))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("nodeaddr: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(o.Credentials, "ca.crt"))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("nodeaddr: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return netip.Addr{}, fmt.Errorf("nodeaddr: %s holds no certificate in PEM form", filepath.Join(o.Credentials, "ca.crt"))
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Server+"/api/v1/nodes/"+url.PathEscape(o.Node), nil)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("nodeaddr: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Accept", "application/json")
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	// Whoever it would send on to would get the token.
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("nodeaddr: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusUnauthorized:
		return netip.Addr{}, fmt.Errorf("nodeaddr: Kubernetes does not let this account read nodes (%s); it needs a ClusterRole with get of nodes", answer.Status)
	case http.StatusNotFound:
		return netip.Addr{}, fmt.Errorf("nodeaddr: Kubernetes has no node %q", o.Node)
	default:
		return netip.Addr{}, fmt.Errorf("nodeaddr: Kubernetes answers %s", answer.Status)
	}
	var n node
	if err := json.NewDecoder(io.LimitReader(answer.Body, answerBytes)).Decode(&n); err != nil {
		return netip.Addr{}, fmt.Errorf("nodeaddr: what Kubernetes says of the node: %w", err)
	}
	return n.external(own)
}

func (n *node) external(own netip.Addr) (netip.Addr, error) {
	var bad []error
	for _, a := range n.Status.Addresses {
		if a.Type != "ExternalIP" {
			continue
		}
		address, err := netip.ParseAddr(a.Address)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if address = address.Unmap(); address.Is4() == own.Unmap().Is4() {
			return address, nil
		}
	}
	if len(bad) > 0 {
		return netip.Addr{}, fmt.Errorf("nodeaddr: the node's external address: %w", errors.Join(bad...))
	}
	return netip.Addr{}, nil
}
