package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"callmesh/bus/wire"
	"callmesh/turnctl/check"
	"callmesh/turnctl/provision"
	"callmesh/turnctl/turnclient"
	"callmesh/turnctl/verdict"
)

// prove is the proof of a relay that was just set up: turnctl check of everything that it serves.
func (c *ProvisionConfig) prove(ctx context.Context) []verdict.Item {
	var items []verdict.Item
	var urls []turnclient.URL
	for _, s := range c.urls() {
		u, err := wire.ParseRelayURL(s)
		if err != nil {
			return []verdict.Item{{Name: "url", Status: verdict.Fail, Summary: err.Error()}}
		}
		urls = append(urls, u)
	}
	// With the first secret all of it; that the relay takes the others shows over one URL.
	for n, secret := range c.secrets() {
		o := check.Options{
			URLs: urls, Secret: secret, Realm: c.Realm, User: "turnctl-provision", Quick: true, Roots: c.roots, ServerName: c.certName(),
		}
		if n > 0 {
			o.URLs, o.User = urls[:1], fmt.Sprintf("turnctl-provision-%d", n+1)
		}
		for _, i := range check.Run(ctx, o).Items {
			// What was not tried says nothing. What could not be measured is no proof, and counts as one that failed.
			if i.Status == verdict.Skipped || n > 0 && i.Status != verdict.Fail && i.Status != verdict.Unknown {
				continue
			}
			if n > 0 {
				i.Name = fmt.Sprintf("secret-%d.%s", n+1, i.Name)
			}
			items = append(items, i)
		}
	}
	if c.stays {
		return withoutTLS(items)
	}
	return items
}

// urls are those of everything that the relay serves, by the addresses that it listens on.
func (c *ProvisionConfig) urls() []string {
	var list []string
	for _, ip := range c.ListenIP {
		at := func(port uint16) string {
			if ip.IsUnspecified() {
				return netip.AddrPortFrom(c.RelayIP[0], port).String()
			}
			return netip.AddrPortFrom(ip, port).String()
		}
		list = append(list, "turn:"+at(c.Port)+"?transport=udp", "turn:"+at(c.Port)+"?transport=tcp")
		if !c.TLSOff {
			list = append(list, "turns:"+at(c.TLSPort)+"?transport=tcp")
		}
	}
	return list
}

// certName is the name that the certificate is looked at for: callers know the relay by it, and not by the address that it is proved at.
func (c *ProvisionConfig) certName() string {
	if c.ServerName != "" || c.TLSOff {
		return c.ServerName
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil || len(pair.Leaf.DNSNames) == 0 {
		return ""
	}
	return strings.Replace(pair.Leaf.DNSNames[0], "*", "turn", 1)
}

// limits are what may bound a relay that this process runs, beside its configuration: open files, which coturn inherits, and ports that others take.
// With systemd both are set, but for ports where /proc/sys cannot be written to.
func (c *ProvisionConfig) limits(own bool) []verdict.Item {
	var items []verdict.Item
	relay := c.relay(false)
	if own {
		var files syscall.Rlimit
		err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
		if err == nil {
			files.Cur = files.Max
			// Said here, it holds for the programs that this one starts too; Go would give them the limit of before.
			err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
		}
		if err == nil && files.Max < uint64(relay.Files()) {
			items = append(items, verdict.Item{
				Name: "provision.files", Status: verdict.Warn, Severity: verdict.Low,
				Summary: fmt.Sprintf("%d open files at most, and %d allocations need %d", files.Max, relay.Quota(), relay.Files()),
				Fix:     "raise the limit of who starts this (ulimit -n, docker --ulimit nofile), or lower total-quota",
			})
		}
	}
	if taken, among, left := provision.PortsTaken(c.MinPort, c.MaxPort); taken && (own || !provision.Settable()) {
		want := fmt.Sprintf("%d-%d", c.MinPort, c.MaxPort)
		items = append(items, verdict.Item{
			Name: "provision.ports", Status: verdict.Warn, Severity: verdict.Low,
			Summary: fmt.Sprintf("connections of this host may take relay ports: it gives them %s, and the relay has %s", among, want),
			Fix:     "sysctl -w net.ipv4.ip_local_reserved_ports=" + strings.TrimPrefix(left+","+want, ","),
		})
	}
	return items
}
