package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"callmesh/cmd/internal/cli"
	"callmesh/edge/filewatch"
	"callmesh/turnctl/relaycert"
	"callmesh/turnctl/verdict"
)

// certificate says what is wrong with the relay's certificate, as a finding where the relay is started all the same, and as an error where it is not:
// whoever sets a relay up, or changes one that runs, is there to mend it, and leaves nobody without a relay meanwhile. A supervisor may as well have been
// started again in an empty container, years later, with callers waiting.
func (c *ProvisionConfig) certificate(now time.Time) ([]verdict.Item, error) {
	if c.TLSOff {
		return nil, nil
	}
	_, wrong := relaycert.Look(c.TLSCert, c.TLSKey, now)
	switch {
	case wrong == nil:
		return nil, nil
	case c.stays:
		return []verdict.Item{{
			Name: "provision.certificate", Group: wrong.File, Status: verdict.Warn, Severity: verdict.High,
			Summary: "no TLS for callers, while UDP and TCP are served: " + wrong.Error(), Fix: wrong.Fix,
		}}, nil
	}
	return nil, cli.Usage("tls-cert: %w; or say tls-off", wrong)
}

// besideAnother sees to the links of a coturn that another process keeps: that one follows the files it was started with, and made no links if those were none.
func (c *ProvisionConfig) besideAnother() error {
	if c.links == nil || !c.elsewhere {
		return nil
	}
	cert, key := c.links.Names()
	switch cert, key, err := relaycert.Behind(c.Conf, cert, key); {
	case errors.Is(err, relaycert.ErrStandsIn):
		return nil
	case errors.Is(err, fs.ErrNotExist) && c.DryRun:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		c.makes = true
		return c.links.Start(time.Now())
	case err != nil:
		return err
	case cert != c.TLSCert || key != c.TLSKey:
		return cli.Usage("tls-cert: the turnctl that keeps this relay follows %s and %s; put the certificate and its key there, or end that turnctl and start it again with other files", cert, key)
	}
	return nil
}

// withoutTLS makes warnings of what failed over TLS alone, where the relay is started all the same. The agent beside it announces what works.
func withoutTLS(items []verdict.Item) []verdict.Item {
	for n := range items {
		if i := &items[n]; strings.HasPrefix(i.Group, "turns:") && (i.Status == verdict.Fail || i.Status == verdict.Unknown) {
			i.Status, i.Severity = verdict.Warn, verdict.High
		}
	}
	return items
}

// keptCertificate has a coturn that runs read its certificate when another one comes: coturn itself never looks. And it says when TLS stops working and
// when it works again, for files that change and for time that passes.
type keptCertificate struct {
	links  *relaycert.Links
	log    *slog.Logger
	reread func()
	files  []string
	stop   chan struct{}
	ended  sync.WaitGroup

	mu   sync.Mutex // guards the following
	said string     // what was last said to be wrong
}

// keepCertificate looks after it until close.
func keepCertificate(links *relaycert.Links, cert, key string, log *slog.Logger, reread func()) *keptCertificate {
	k := &keptCertificate{links: links, log: log, reread: reread, files: []string{cert, key}, stop: make(chan struct{})}
	k.ended.Go(k.keep)
	return k
}

func (k *keptCertificate) close() {
	close(k.stop)
	k.ended.Wait()
}

// lookAgain is how often it is looked whether the folder is there, while it is not.
const lookAgain = 2 * time.Second

func (k *keptCertificate) keep() {
	k.look(false)
	for {
		// It looks every half minute too, and so sees when a certificate ends.
		watch, err := filewatch.Start(k.files, k.log, func() { k.look(false) })
		if err == nil {
			<-k.stop
			watch.Close()
			return
		}
		again := time.NewTimer(lookAgain)
		select {
		case <-k.stop:
			again.Stop()
			return
		case <-again.C:
			k.look(false)
		}
	}
}

// look looks once, and has coturn read its files if there is something new to read, or again is set.
func (k *keptCertificate) look(again bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, reread, err := k.links.Look(time.Now(), again)
	switch {
	case err != nil:
		k.log.Error("coturn can't be given the relay's certificate; trying again within half a minute", "error", err)
	case reread:
		k.reread()
		k.log.Info("coturn reads the relay's certificate", "file", k.files[0], "until", s.Serves.NotAfter.UTC())
	}
	wrong := s.Files // what is to be mended
	if wrong == nil {
		wrong = s.Down
	}
	level, message := slog.LevelError, "callers get no TLS from this relay; UDP and TCP go on"
	if s.Down == nil {
		level, message = slog.LevelWarn, "the relay's certificate does not do; it goes on with the one before"
	}
	said := ""
	if wrong != nil {
		said = message + wrong.File + wrong.What
	}
	if said == k.said {
		return
	}
	k.said = said
	if wrong == nil {
		k.log.Info("callers get TLS from this relay again", "until", s.Serves.NotAfter.UTC())
		return
	}
	since := wrong.Since
	if since.IsZero() {
		since = time.Now() // seen now
	}
	k.log.Log(context.Background(), level, message, "file", wrong.File, "wrong", wrong.What, "since", since.UTC().Truncate(time.Second), "fix", wrong.Fix)
}
