package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

const minRSABits = 2048 // RFC 7518, section 3.3

// publicKey is one key of a set, tied to the one algorithm that it may verify.
type publicKey struct {
	kid string
	alg jwa.SignatureAlgorithm
	raw any // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// parseKeys takes from a JWKS the keys that verify signatures by RS256, ES256 or EdDSA. Others,
// symmetric ones above all, are passed over: sets hold keys for other purposes too.
func parseKeys(body []byte) ([]publicKey, error) {
	set, err := jwk.Parse(body, jwk.WithIgnoreParseError(true))
	if err != nil {
		return nil, fmt.Errorf("the key set cannot be read: %w", err)
	}
	var keys []publicKey
	for i := range set.Len() {
		if k, ok := set.Key(i); ok {
			if pk, ok := usable(k); ok {
				keys = append(keys, pk)
			}
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set holds no key for RS256, ES256 or EdDSA")
	}
	return keys, nil
}

func usable(k jwk.Key) (publicKey, bool) {
	if use, ok := k.KeyUsage(); ok && use != "" && use != "sig" {
		return publicKey{}, false
	}
	if ops, ok := k.KeyOps(); ok && len(ops) > 0 && !slices.Contains(ops, jwk.KeyOpVerify) {
		return publicKey{}, false
	}
	pub, err := k.PublicKey()
	if err != nil {
		return publicKey{}, false
	}
	pk := publicKey{}
	pk.kid, _ = k.KeyID()
	var raw any
	if err := jwk.Export(pub, &raw); err != nil {
		return publicKey{}, false
	}
	switch raw := raw.(type) {
	case *rsa.PublicKey:
		if raw.N.BitLen() < minRSABits || raw.E < 3 {
			return publicKey{}, false
		}
		pk.alg, pk.raw = jwa.RS256(), raw
	case *ecdsa.PublicKey:
		if raw.Curve != elliptic.P256() {
			return publicKey{}, false
		}
		pk.alg, pk.raw = jwa.ES256(), raw
	case ed25519.PublicKey:
		pk.alg, pk.raw = jwa.EdDSA(), raw
	default:
		return publicKey{}, false
	}
	if alg, ok := k.Algorithm(); ok && alg.String() != "" && alg.String() != pk.alg.String() {
		return publicKey{}, false
	}
	return pk, true
}

// choose finds the key by id and algorithm. A token without a key id is accepted when only one key
// can be meant.
func choose(keys []publicKey, alg, kid string) (publicKey, bool) {
	var found publicKey
	n := 0
	for _, k := range keys {
		if k.alg.String() != alg || (kid != "" && k.kid != kid) {
			continue
		}
		found = k
		n++
	}
	return found, n == 1
}
