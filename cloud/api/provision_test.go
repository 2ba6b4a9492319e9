package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// The keys of recorded devices.
var (
	ecDER  = mustRead("../../wire/testdata/device/keys/device-ec.pub.der")
	rsaDER = mustRead("../../wire/testdata/device/keys/device-rsa.pub.der")
	ecPEM  = pemOf(ecDER)
)

func mustRead(file string) []byte {
	b, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return b
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestProvision(t *testing.T) {
	w := newWorld(t, nil)
	rsaKey, err := x509.ParsePKIXPublicKey(rsaDER)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(rsaKey.(*rsa.PublicKey))
	form := func(kv ...string) string {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Set(kv[i], kv[i+1])
		}
		return v.Encode()
	}
	for i, c := range []struct {
		name, body string
		der        []byte
		algorithm  device.Algorithm
	}{
		{"form, as the stock command line", form("deviceID", "", "publicKey", ecPEM, "filename", "cli", "order", "manual_1", "algorithm", "ecc"), ecDER, device.ECC},
		{"JSON, as the stock library", `{"publicKey":` + jsonText(pemOf(rsaDER)) + `,"filename":"particle-api","algorithm":"rsa"}`, rsaDER, device.RSA},
		{"base64", form("publicKey", base64.StdEncoding.EncodeToString(ecDER)), ecDER, device.ECC},
		{"base64 in lines", form("publicKey", base64.StdEncoding.EncodeToString(rsaDER)[:60]+"\n"+base64.StdEncoding.EncodeToString(rsaDER)[60:]), rsaDER, device.RSA},
		{"base64 for URLs", form("publicKey", base64.RawURLEncoding.EncodeToString(ecDER), "algorithm", "ec"), ecDER, device.ECC},
		{"old RSA form", form("publicKey", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}))), rsaDER, device.RSA},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := device.ID{0xaa, 11: byte(i)}
			// A key belongs to one device: free it of the one before.
			if i > 0 {
				w.giveOtherKey(t, device.ID{0xaa, 11: byte(i - 1)})
			}
			body := strings.Replace(c.body, "deviceID=&", "deviceID="+id.String()+"&", 1)
			got := w.do("POST", "/v1/provisioning/"+strings.ToUpper(id.String()), body)
			if got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			want := rest.Provisioned{
				OK: true, ID: id.String(), Algorithm: string(c.algorithm), Fingerprint: device.FingerprintOf(c.der).String(),
			}
			var answer rest.Provisioned
			got.into(t, &answer)
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Error(diff)
			}
			key, err := w.store.KeyOf(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.der, key.SPKI); diff != "" {
				t.Error(diff)
			}
			if d, err := w.store.Device(t.Context(), id); err != nil || d.Owner != alice {
				t.Errorf("owner %q, error %v", d.Owner, err)
			}
		})
	}
}

// giveOtherKey provisions the device with a fresh key.
func (w *world) giveOtherKey(t *testing.T, id device.ID) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.do("POST", "/v1/provisioning/"+id.String(), "publicKey="+url.QueryEscape(pemOf(der))); got.status != http.StatusOK {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
}

// The gateways hear of a key, and whether it is another: only then the
// device's session ends.
func TestProvisionTellsTheGateways(t *testing.T) {
	w := newWorld(t, nil)
	body := "publicKey=" + url.QueryEscape(ecPEM)
	for range 2 {
		if got := w.do("POST", "/v1/provisioning/"+oven.String(), body); got.status != http.StatusOK {
			t.Fatal(got.body)
		}
	}
	want := []bustest.Change{{Device: oven, Owner: alice, Key: true}, {Device: oven, Owner: alice}}
	w.eventually("both changes", func() bool { return cmp.Diff(want, w.gateway.Changes()) == "" })
}

func TestProvisionRefusesKeys(t *testing.T) {
	w := newWorld(t, nil)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherCurve, err := x509.MarshalPKIXPublicKey(&p384.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	longRSA, err := x509.MarshalPKIXPublicKey(&long.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, algorithm, says string }{
		"missing":           {"", "", "publicKey is missing"},
		"cut PEM":           {ecPEM[:60], "", "not whole PEM"},
		"no base64":         {"!!!", "", "neither PEM nor base64"},
		"no key":            {"AAAA", "", "not a public key"},
		"another curve":     {pemOf(otherCurve), "", "P-256"},
		"another length":    {pemOf(longRSA), "", "1024 bits"},
		"private":           {string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})), "", "private key"},
		"rsa said, ecc is":  {ecPEM, "rsa", "algorithm says rsa, the key is ecc"},
		"ec said, rsa is":   {pemOf(rsaDER), "ec", "algorithm says ec, the key is rsa"},
		"unknown algorithm": {ecPEM, "dsa", "algorithm says dsa"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do("POST", "/v1/provisioning/"+oven.String(), url.Values{"publicKey": {c.key}, "algorithm": {c.algorithm}}.Encode())
			e := got.fault(t)
			if got.status != http.StatusBadRequest || e.Code != rest.CodeKeyInvalid || !strings.Contains(e.Message, c.says) {
				t.Errorf("status %d, code %s: %s", got.status, e.Code, e.Message)
			}
		})
	}
}

func TestOneKeyOneDevice(t *testing.T) {
	w := newWorld(t, nil)
	body := "publicKey=" + url.QueryEscape(ecPEM)
	if got := w.do("POST", "/v1/provisioning/"+oven.String(), body); got.status != http.StatusOK {
		t.Fatal(got.body)
	}
	got := w.do("POST", "/v1/provisioning/"+fridge.String(), body)
	if e := got.fault(t); got.status != http.StatusConflict || !strings.HasPrefix(e.Message, "Another device has that key") {
		t.Errorf("status %d: %s", got.status, got.body)
	}
}
