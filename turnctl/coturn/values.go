package coturn

import (
	"net/netip"
	"slices"
	"strings"
)

// values are the keys of the chart that a relay decides about; charts/callmesh/values.schema.json has them all, and refuses others.
type values struct {
	Region string       `yaml:"region,omitempty"`
	Coturn valuesCoturn `yaml:"coturn"`
}

type valuesCoturn struct {
	Enabled    bool         `yaml:"enabled"`
	Realm      string       `yaml:"realm"`
	Ports      valuesPorts  `yaml:"ports"`
	TLS        *valuesTLS   `yaml:"tls,omitempty"`
	ExternalIP string       `yaml:"externalIP,omitempty"`
	TotalQuota int          `yaml:"totalQuota"`
	Config     valuesConfig `yaml:"config"`
}

type valuesPorts struct {
	Listen   uint16 `yaml:"listen"`
	TLS      uint16 `yaml:"tls,omitempty"`
	RelayMin uint16 `yaml:"relayMin"`
	RelayMax uint16 `yaml:"relayMax"`
}

type valuesTLS struct {
	SecretName string `yaml:"secretName"`
	Host       string `yaml:"host"`
}

// valuesConfig are keys of `turnctl render` that the chart hands on.
type valuesConfig struct {
	UserQuota      int      `yaml:"user-quota"`
	SessionBytes   uint64   `yaml:"session-bytes"`
	CapacityBytes  uint64   `yaml:"capacity-bytes"`
	AllowPeers     []string `yaml:"allow-peer,omitempty"`
	DenyPeers      []string `yaml:"deny-peer,omitempty"`
	DTLS           bool     `yaml:"dtls,omitempty"`
	TCPRelay       bool     `yaml:"tcp-relay,omitempty"`
	PrometheusPort uint16   `yaml:"prometheus-port,omitempty"`
}

// tlsSecret is what the Secret with the certificate is called.
const tlsSecret = "callmesh-turn-tls"

// Values are what the chart reads: relays like this one on each node, at the nodes' own addresses. host is the name that the certificate is for, ""
// where that is not known. No secret is among them.
func (r Relay) Values(v Version, host string) (string, error) {
	if _, err := r.Render(v); err != nil {
		return "", err
	}
	c := valuesCoturn{
		Enabled: true, Realm: r.Realm, Ports: valuesPorts{Listen: r.Port, RelayMin: r.MinPort, RelayMax: r.MaxPort}, TotalQuota: r.TotalQuota,
		Config: valuesConfig{
			UserQuota: r.UserQuota, SessionBytes: r.SessionBytes, CapacityBytes: r.CapacityBytes, AllowPeers: texts(r.AllowPeers), DenyPeers: texts(r.DenyPeers),
			DTLS: r.DTLS, TCPRelay: r.TCPRelay, PrometheusPort: r.PrometheusPort,
		},
	}
	if r.External.IsValid() {
		c.ExternalIP = r.External.String()
	}
	head := []string{
		"Values for the chart: its relays as this one, rendered by turnctl. The chart takes addresses from the nodes, and secrets from its Secret.",
	}
	if !r.TLSOff {
		c.Ports.TLS = r.TLSPort
		c.TLS = &valuesTLS{SecretName: tlsSecret, Host: host}
		head = append(head, "The certificate: kubectl create secret tls "+tlsSecret+" --cert="+r.Cert+" --key="+r.Key)
		if host == "" {
			head = append(head, "coturn.tls.host is for you to say: the name that the certificate is for. The chart is refused without.")
		}
	}
	if left := r.notInChart(); len(left) > 0 {
		head = append(head, "Not taken over, since the chart has no such keys: "+strings.Join(left, ", ")+".")
	}
	return encode(strings.Join(head, "\n# "), values{r.Region, c})
}

// notInChart are the keys of this relay by which it differs from what the chart makes.
func (r Relay) notInChart() []string {
	var list []string
	if r.Second.IsValid() {
		list = append(list, "second-ip")
	}
	if len(r.Relays) > 0 && !slices.Equal(r.Relays, r.Listen) {
		list = append(list, "relay-ip")
	}
	if r.Log != "" && r.Log != "stdout" {
		list = append(list, "log")
	}
	return list
}

func texts(list []netip.Prefix) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}
