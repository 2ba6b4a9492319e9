package api

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// provision answers POST /v1/provisioning/{device}: it registers a device
// with its public key, or gives it another key.
func (a *API) provision(w http.ResponseWriter, r *web.Request) error {
	id, err := device.ParseID(r.PathValue("device"))
	if err != nil {
		return err
	}
	if id.IsZero() {
		return fault.Errorf(fault.Invalid, "a device id of zeros is no device's")
	}
	if named, ok := r.Form.Get("deviceID"); ok && !strings.EqualFold(named, id.String()) {
		return web.Malformed("the field deviceID names another device than the path")
	}
	r.Note(r.Caller.User, id.String())
	text, _ := r.Form.Get("publicKey")
	algorithm, _ := r.Form.Get("algorithm")
	key, err := parseKey(text, algorithm)
	if err != nil {
		return err
	}
	key.Added = time.Now()
	before, err := a.cfg.Keys.KeyOf(r.Context(), id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return web.StoreError(err)
	}
	if err := a.cfg.Keys.Provision(r.Context(), id, key, r.Caller.User); err != nil {
		return notProvisioned(err)
	}
	// A gateway that does not hear of this finds the new key at the device's
	// next handshake.
	if err := a.cfg.Bus.Changed(id, r.Caller.User, !bytes.Equal(before.SPKI, key.SPKI)); err != nil {
		a.log.Warn("gateways not told of a key", "request", r.ID, "device", id, "err", err)
	}
	a.log.Info("device provisioned", "request", r.ID, "device", id, "user", r.Caller.User, "fingerprint", key.Fingerprint())
	return web.Answer(w, http.StatusOK, rest.Provisioned{
		OK: true, ID: id.String(), Algorithm: string(key.Algorithm), Fingerprint: key.Fingerprint().String(),
	})
}

func notProvisioned(err error) error {
	switch fault.KindOf(err) {
	case fault.Denied:
		return &web.Problem{
			Cause: fault.E(fault.Denied, "that device "+rest.WordsSomeoneElse, err).WithCode(rest.CodeNotYours),
			Words: rest.WordsPermissionDenied,
		}
	case fault.Conflict:
		return fault.E(fault.Conflict, "another device has that key: no two devices may share one", err)
	default:
		return web.StoreError(err)
	}
}

// parseKey reads a public key in PEM, or in base64 of its DER, and checks
// that a device could hold it.
func parseKey(text, algorithm string) (device.Key, error) {
	der, err := keyBytes(strings.TrimSpace(text))
	if err != nil {
		return device.Key{}, err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if public, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return device.Key{}, invalidKey("the field publicKey is not a public key (SubjectPublicKeyInfo)")
		}
	}
	key := device.Key{}
	switch public := public.(type) {
	case *rsa.PublicKey:
		key.Algorithm = device.RSA
		if public.N.BitLen() != 1024 {
			return device.Key{}, invalidKey("devices with RSA use keys of 1024 bits, this one has another length")
		}
	case *ecdsa.PublicKey:
		key.Algorithm = device.ECC
		if public.Curve != elliptic.P256() {
			return device.Key{}, invalidKey("devices with elliptic curves use P-256, this key is on another curve")
		}
	default:
		return device.Key{}, invalidKey("devices use RSA or elliptic curves, this key is of another kind")
	}
	switch strings.ToLower(algorithm) {
	case "", string(key.Algorithm):
	case "ec", "ecdsa":
		if key.Algorithm != device.ECC {
			return device.Key{}, invalidKey("the field algorithm says " + algorithm + ", the key is " + string(key.Algorithm))
		}
	default:
		return device.Key{}, invalidKey("the field algorithm says " + web.Printable(algorithm, 20) + ", the key is " + string(key.Algorithm))
	}
	// Written anew, so that the same key always has the same fingerprint.
	if key.SPKI, err = x509.MarshalPKIXPublicKey(public); err != nil {
		return device.Key{}, fault.E(fault.Internal, "the key cannot be written", err)
	}
	return key, nil
}

func keyBytes(text string) ([]byte, error) {
	if text == "" {
		return nil, invalidKey("the field publicKey is missing")
	}
	if strings.Contains(text, "-----BEGIN") {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil, invalidKey("the field publicKey is not whole PEM")
		}
		if strings.Contains(block.Type, "PRIVATE") {
			return nil, invalidKey("that is a private key: keep it secret, and send the public one")
		}
		return block.Bytes, nil
	}
	text = strings.NewReplacer("\n", "", "\r", "", " ", "", "-", "+", "_", "/", "=", "").Replace(text)
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, invalidKey("the field publicKey is neither PEM nor base64")
	}
	return der, nil
}

func invalidKey(why string) error {
	return fault.Errorf(fault.Invalid, "%s", why).WithCode(rest.CodeKeyInvalid)
}
