// Command apiserver is a Kubernetes API server with the etcd behind it, in one process and for one test run: what judges and keeps objects, and nothing
// that acts on them.
//
//	apiserver FOLDER
//
// It keeps all that it has in FOLDER, writes FOLDER/kubeconfig for somebody who may do anything, and ends when its standard input does.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: apiserver FOLDER")
		os.Exit(2)
	}
	ctx, stop := context.WithCancel(genericapiserver.SetupSignalContext())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := serve(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

// serve has both until ctx is done.
func serve(ctx context.Context, folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	store, err := startEtcd(folder)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer store.Close()
	return serveAPI(ctx, folder, "http://"+store.Clients[0].Addr().String())
}
