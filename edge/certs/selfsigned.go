package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

const (
	// selfSignedFile holds certificate and key in one, so that no half of a pair can be seen.
	selfSignedFile = "self-signed.pem"
	// validFor is below the 398 days that browsers take a certificate for.
	validFor = 397 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is replaced.
	renewBefore = 30 * 24 * time.Hour
	// clockSlack is how far behind the clock of another machine may be.
	clockSlack = time.Hour
	// recheck is how often a running edge looks at the clock and at its addresses.
	recheck = time.Hour
)

// names are what the certificate is for.
type names struct {
	dns []string
	ips []net.IP
	// must are those of ips without which a kept certificate does not do any more. IPv6
	// addresses that change by the day, for privacy, are not among them.
	must []net.IP
}

// SelfSigned serves a certificate that it signs itself (ECDSA P-256) for localhost, the host name
// and all addresses of this machine. It is kept in dir, which is created if need be, readable by
// the owner alone, and used again until it is near its end or an address is missing in it, so that
// browsers that were told to trust it need not be told again. Close ends the watch for that.
func SelfSigned(dir string, o Options) (*Source, error) {
	s, err := newSource(o)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, selfSignedFile)
	pair, err := keepOrMake(path, machineNames, time.Now())
	if err != nil {
		return nil, err
	}
	s.use(pair)
	s.wg.Go(func() {
		tick := time.NewTicker(recheck)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case now := <-tick.C:
				pair, err := keepOrMake(path, machineNames, now)
				if err != nil {
					s.loads.WithLabelValues("failed").Inc()
					s.log.Warn("cannot renew the self-signed certificate; going on with the one in use", "error", err)
				} else if !pair.Leaf.Equal(s.current.Load().Leaf) {
					s.use(pair)
				}
			}
		}
	})
	return s, nil
}

func keepOrMake(path string, get func() (names, error), now time.Time) (*tls.Certificate, error) {
	want, err := get()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err == nil {
		if pair, err := tls.X509KeyPair(b, b); err == nil && does(pair.Leaf, want, now) {
			// Whatever opened it to others since, close it.
			if err := os.Chmod(path, 0o600); err != nil {
				return nil, fmt.Errorf("certs: %w", err)
			}
			return &pair, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("certs: %w", err)
	}
	if b, err = sign(want, now); err != nil {
		return nil, fmt.Errorf("certs: make a self-signed certificate: %w", err)
	}
	if err := writePrivate(path, b); err != nil {
		return nil, fmt.Errorf("certs: keep the self-signed certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(b, b)
	if err != nil {
		return nil, fmt.Errorf("certs: %w", err)
	}
	return &pair, nil
}

// does says whether a certificate that was kept still does.
func does(c *x509.Certificate, want names, now time.Time) bool {
	if now.Before(c.NotBefore) || now.After(c.NotAfter.Add(-renewBefore)) {
		return false
	}
	for _, name := range want.dns {
		if !slices.Contains(c.DNSNames, name) {
			return false
		}
	}
	for _, ip := range want.must {
		if !slices.ContainsFunc(c.IPAddresses, ip.Equal) {
			return false
		}
	}
	return true
}

func machineNames() (names, error) {
	n := names{dns: []string{"localhost"}}
	if host, err := os.Hostname(); err == nil {
		if host = strings.ToLower(strings.TrimSuffix(host, ".")); validHost(host) && host != "localhost" {
			n.dns = append(n.dns, host)
			if !strings.Contains(host, ".") {
				n.dns = append(n.dns, host+".local") // as mDNS has it
			}
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return n, fmt.Errorf("certs: addresses of this machine: %w", err)
	}
	for _, a := range addrs {
		ipn, ok := a.(*net.IPNet)
		if !ok || ipn.IP.IsLinkLocalUnicast() && ipn.IP.To4() == nil {
			continue // an address with a zone, which no URL carries
		}
		n.ips = append(n.ips, ipn.IP)
		if ipn.IP.To4() != nil {
			n.must = append(n.must, ipn.IP)
		}
	}
	return n, nil
}

// validHost keeps out what could not stand in a certificate as a DNS name.
func validHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
		default:
			return false
		}
	}
	return true
}

// sign makes a certificate and its key, in PEM. It is no CA: who trusts it trusts this machine's
// names and nothing else that its key could sign.
func sign(n names, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "callmesh, self-signed", Organization: []string{n.dns[len(n.dns)-1]}},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.Add(validFor - clockSlack),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              n.dns,
		IPAddresses:           n.ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...), nil
}

// writePrivate puts b at path at once or not at all, for the owner's eyes only.
func writePrivate(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	pending, err := renameio.TempFile(filepath.Dir(path), path) // 0600, whatever the old one was
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }()
	if _, err := pending.Write(b); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}
