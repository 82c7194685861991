package relaycert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/google/renameio/v2"
)

// standInName is whom a stand-in is for and by: nobody is called so, and nobody trusts it.
var standInName = pkix.Name{Organization: []string{"callmesh turnctl"}, CommonName: "stand-in for a certificate that can not be loaded"}

// IsStandIn says whether a certificate is one.
func IsStandIn(c *x509.Certificate) bool { return c.Issuer.String() == standInName.String() }

// writeStandIn makes a certificate by itself, for no name, that coturn can load.
func writeStandIn(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	// Of no clock: that a host's is wrong may be why there has to be one.
	template := &x509.Certificate{SerialNumber: serial, Subject: standInName, NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return err
	}
	return renameio.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600)
}
