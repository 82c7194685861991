package main

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"path/filepath"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// serveAPI serves the API of what is in a store, as kube-apiserver does unless told otherwise.
func serveAPI(ctx context.Context, folder, store string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().(*net.TCPAddr)

	s := options.NewServerRunOptions()
	s.Etcd.StorageConfig.Transport.ServerList = []string{store}
	s.SecureServing.Listener, s.SecureServing.BindAddress, s.SecureServing.BindPort = listener, address.IP, address.Port
	// Of both families, so that Services can ask for the second.
	s.ServiceClusterIPRanges = "10.96.0.0/16,fd00:10:96::/112"
	s.Authorization.Modes = []string{"RBAC"}

	s.SecureServing.ServerCert.CertKey.CertFile = filepath.Join(folder, "tls.crt")
	s.SecureServing.ServerCert.CertKey.KeyFile = filepath.Join(folder, "tls.key")
	crt, key, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{address.IP}, nil)
	if err != nil {
		return err
	}
	accounts, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return err
	}
	token := rand.Text()
	s.Authentication.TokenFile.TokenFile = filepath.Join(folder, "tokens.csv")
	s.Authentication.ServiceAccounts.Issuers = []string{"https://kubernetes.default.svc"}
	s.Authentication.ServiceAccounts.KeyFiles = []string{filepath.Join(folder, "accounts.key")}
	s.ServiceAccountSigningKeyFile = filepath.Join(folder, "accounts.key")
	for name, text := range map[string][]byte{
		"tls.crt": crt, "tls.key": key, "accounts.key": accounts, "tokens.csv": []byte(token + ",tests,tests,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
	}

	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{}) // of the server to itself
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	if err := writeKubeconfig(filepath.Join(folder, "kubeconfig"), "https://"+address.String(), crt, token); err != nil {
		return err
	}
	return app.Run(ctx, completed)
}

func writeKubeconfig(path, server string, ca []byte, token string) error {
	c := clientcmdapi.NewConfig()
	c.Clusters["test"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	c.AuthInfos["test"] = &clientcmdapi.AuthInfo{Token: token}
	c.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	c.CurrentContext = "test"
	return clientcmd.WriteToFile(*c, path)
}
