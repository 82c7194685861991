package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// An authority signs for one cluster, as kubeadm's does. Its key stays in memory.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	folder      string
}

func newAuthority(folder string) (*authority, error) {
	a := &authority{folder: folder}
	return a, a.write("ca", &x509.Certificate{
		Subject: pkix.Name{CommonName: "cluster"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
}

// sign makes NAME.crt and NAME.key, for one that is known by its organization (a group) and name (a user), and as a server under addresses.
func (a *authority) sign(name, user, group string, addresses ...net.IP) error {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: user}, KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if group != "" {
		t.Subject.Organization = []string{group}
	}
	if len(addresses) > 0 {
		t.DNSNames = []string{"kubernetes.default.svc"}
	}
	return a.write(name, t)
}

func (a *authority) write(name string, t *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t.NotBefore, t.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(48*time.Hour)
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	if a.certificate == nil {
		if a.certificate, err = x509.ParseCertificate(der); err != nil {
			return err
		}
		a.key = key
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	for end, block := range map[string]*pem.Block{"crt": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(a.folder, name+"."+end), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// kubeconfig writes what lets somebody in, under a certificate of their own.
func (a *authority) kubeconfig(path, user, group string) error {
	name := filepath.Base(path)
	if err := a.sign(name, user, group); err != nil {
		return err
	}
	var data [3]string
	for i, file := range []string{"ca.crt", name + ".crt", name + ".key"} {
		text, err := os.ReadFile(filepath.Join(a.folder, file))
		if err != nil {
			return err
		}
		data[i] = base64.StdEncoding.EncodeToString(text)
	}
	return os.WriteFile(path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: cluster, cluster: {server: "%s", certificate-authority-data: %s}}]
users: [{name: user, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: cluster, context: {cluster: cluster, user: user}}]
current-context: cluster
`, apiServer, data[0], data[1], data[2]), 0o600)
}
