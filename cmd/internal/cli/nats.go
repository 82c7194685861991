package cli

import (
	"crypto/tls"
	"net/url"
	"os"
	"slices"

	"callmesh/bus"
)

// NATSConfig are the keys about how a program comes to NATS, but for the address, which each has words of its own for; embed it in a configuration.
type NATSConfig struct {
	NATSCreds    string `key:"nats-creds" example:"/etc/callmesh/edge.creds" help:"File with NATS user credentials."`
	NATSNKeyFile string `key:"nats-nkey-file" example:"/etc/callmesh/edge.nk" help:"File with an nkey seed, in place of nats-creds."`
	NATSCA       string `key:"nats-ca" example:"/etc/callmesh/nats-ca.pem" help:"PEM file with the authorities that NATS certificates are checked against. Default: the system's."`
	NATSCert     string `key:"nats-cert" example:"/etc/callmesh/nats.crt" help:"PEM file with the certificate to show to NATS."`
	NATSKey      string `key:"nats-key" example:"/etc/callmesh/nats.key" help:"PEM file with the key of nats-cert."`
}

// Bus fills in how the bus gets to NATS.
func (c NATSConfig) Bus(o *bus.Options) {
	o.CredsFile, o.NKeyFile, o.CAFile, o.CertFile, o.KeyFile = c.NATSCreds, c.NATSNKeyFile, c.NATSCA, c.NATSCert, c.NATSKey
}

// CheckNATS checks the addresses of NATS servers, and what is needed to be let in there.
func (c NATSConfig) CheckNATS(p *Problems, urls []string) {
	for _, s := range urls {
		u, err := url.Parse(s)
		// The URL itself stays out of the message: it may hold a password.
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			p.Wrong("nats-url", "one of them is not a NATS URL; write them like nats://a:4222,nats://b:4222")
			break
		}
	}
	if c.NATSCreds != "" && c.NATSNKeyFile != "" {
		p.Wrong("nats-creds", "given together with nats-nkey-file; give one of them")
	}
	p.CheckPair("nats-cert", c.NATSCert, "nats-key", c.NATSKey)
	for _, f := range []struct{ key, path string }{
		{"nats-creds", c.NATSCreds}, {"nats-nkey-file", c.NATSNKeyFile}, {"nats-ca", c.NATSCA},
	} {
		if f.path == "" {
			continue
		}
		if file, err := os.Open(f.path); err != nil {
			p.Wrong(f.key, "%s", err)
		} else {
			_ = file.Close()
		}
	}
}

// CheckPair checks the PEM files of a certificate and its key; neither need be given.
func (p *Problems) CheckPair(certKey, cert, keyKey, key string) {
	switch {
	case cert == "" && key == "":
	case key == "":
		p.Wrong(certKey, "needs %s", keyKey)
	case cert == "":
		p.Wrong(keyKey, "needs %s", certKey)
	default:
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			p.Wrong(certKey, "not a certificate that fits %s: %s", keyKey, err)
		}
	}
}
