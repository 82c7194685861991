package audit

import (
	"bytes"
	"testing"
)

// What a relay answers to a hello is read, or passed over.
func FuzzReadHello(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{recordAlert, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 70})
	f.Add(helloRecord(dtls10, [32]byte{}, nil, 0))
	f.Add(helloRecord(dtls12, [32]byte{}, []byte("a cookie"), 1))
	retry := helloRecord(dtls10, [32]byte{}, nil, 0)[:recordHeader+handshakeHeader]
	retry[recordHeader] = helloRetry
	f.Add(append(retry, 0xfe, 0xff, 3, 1, 2, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, _, cookie := readHello(b)
		if len(cookie) > 0 && (kind != helloRetry || !bytes.Contains(b, cookie) || len(cookie) > 255) {
			t.Errorf("kind %d with a cookie of %d bytes", kind, len(cookie))
		}
		if len(cookie) > 0 {
			helloRecord(dtls12, [32]byte{}, cookie, 1)
		}
	})
}
