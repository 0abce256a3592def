package redisproc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of TLS in a server's directory. The client's pair is there for
// programs in other languages.
const (
	caCertFile     = "ca.crt"
	serverCertFile = "server.crt"
	serverKeyFile  = "server.key"
	clientCertFile = "client.crt"
	clientKeyFile  = "client.key"
)

// certLifetime is longer than any test runs, and short enough that a file left
// behind by accident is soon worthless.
const certLifetime = 30 * 24 * time.Hour

// certs are an authority and two certificates of it. The servers of a topology
// share them, so that they and their clients know each other.
type certs struct {
	pem    map[string][]byte // by the name of the file
	client *tls.Config
}

// makeCerts makes an authority and its certificates. The authority's key is
// kept nowhere.
func makeCerts() (*certs, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := template("redisproc authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{caCertFile: encode("CERTIFICATE", caDER)}
	issue := func(name, certFile, keyFile string, usage ...x509.ExtKeyUsage) (tls.Certificate, error) {
		var none tls.Certificate
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return none, err
		}
		t := template(name)
		t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageDigitalSignature, usage
		t.DNSNames, t.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		der, err := x509.CreateCertificate(rand.Reader, t, ca, key.Public(), caKey)
		if err != nil {
			return none, err
		}
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return none, err
		}
		files[certFile], files[keyFile] = encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}
	// Replicas, Sentinels and nodes of a cluster are clients of each other.
	if _, err := issue("redisproc server", serverCertFile, serverKeyFile, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth); err != nil {
		return nil, err
	}
	client, err := issue("redisproc client", clientCertFile, clientKeyFile, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, err
	}
	caCert, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(caCert)
	return &certs{files, &tls.Config{
		MinVersion:   tls.VersionTLS12,
		ServerName:   host,
		RootCAs:      roots,
		Certificates: []tls.Certificate{client},
	}}, nil
}

// write puts the files into a server's directory.
func (c *certs) write(dir string) error {
	for file, data := range c.pem {
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			return fmt.Errorf("write the certificates: %w", err)
		}
	}
	return nil
}

// template is what all certificates share. They are valid from an hour ago, for
// clocks that are set back while a test runs.
func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never fails; see its documentation
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(certLifetime),
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
