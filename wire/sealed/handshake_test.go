//lint:file-ignore SA1019 PKCS #1 v1.5 is all that these devices know; see SECURITY.md

package sealed

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"testing"
)

var (
	testNonce    = [NonceSize]byte{1, 2, 3, 39: 4}
	testCred     = Credentials{5, 6, 7, 32: 0x09, 0x7c, 39: 8}
	testDeviceID = [DeviceIDSize]byte{0xe0, 0x0f, 0xce, 0x68}
)

func TestHandshake(t *testing.T) {
	server, err := NewServerHandshake(serverKey(t), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	device := ClientHandshake{ServerKey: &serverKey(t).PublicKey, Key: deviceKey(t), DeviceID: testDeviceID}
	blob, err := device.Answer(server.Nonce(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	claim, err := server.Receive(blob)
	if err != nil || claim.DeviceID != testDeviceID {
		t.Fatalf("%x, %v", claim.DeviceID, err)
	}
	pub, err := claim.DeviceKey.Parse()
	if err != nil || !pub.Equal(&device.Key.PublicKey) {
		t.Fatalf("%v, %v", pub, err)
	}
	reply, serverEnd, err := server.Accept(pub, testCred, [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	cred, deviceEnd, err := device.Finish(reply)
	if err != nil || cred != testCred || cred.MessageID() != 0x7c09 {
		t.Fatalf("%x, %v", cred, err)
	}
	if deviceEnd != serverEnd {
		t.Error("the two ends differ")
	}

	// Nothing but the arguments decides: the same again, and other padding.
	if again, _ := device.Answer(testNonce, [32]byte{1}); again != blob {
		t.Error("the blob is another with the same padding")
	}
	if again, _ := device.Answer(testNonce, [32]byte{3}); again == blob {
		t.Error("the blob is the same with other padding")
	}
	if again, _, _ := server.Accept(pub, testCred, [32]byte{2}); again != reply {
		t.Error("the reply is another with the same padding")
	}
}

// What a device sees when one side has the wrong key of the other: the three
// outcomes that its LED tells apart.
func TestWrongKeys(t *testing.T) {
	server, err := NewServerHandshake(serverKey(t), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	device := ClientHandshake{ServerKey: &serverKey(t).PublicKey, Key: deviceKey(t)}

	astray := ClientHandshake{ServerKey: &other(t, serverBits).PublicKey, Key: deviceKey(t)}
	blob, err := astray.Answer(testNonce, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if claim, err := server.Receive(blob); err != ErrHandshake || claim != (Claim{}) {
		t.Errorf("a blob for another server: %x, %v", claim, err)
	}

	reply, _, err := server.Accept(&other(t, deviceBits).PublicKey, testCred, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if _, c, err := device.Finish(reply); err != ErrCredentials || c != (Channel{}) {
		t.Errorf("credentials for another device: %v", err)
	}

	impostor, err := NewServerHandshake(other(t, serverBits), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	reply, _, err = impostor.Accept(&deviceKey(t).PublicKey, testCred, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if cred, _, err := device.Finish(reply); err != ErrSignature || cred != (Credentials{}) {
		t.Errorf("signed by another server: %v", err)
	}
}

func TestFinishRefusesEveryChangedByte(t *testing.T) {
	server, err := NewServerHandshake(serverKey(t), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	device := ClientHandshake{ServerKey: &serverKey(t).PublicKey, Key: deviceKey(t)}
	reply, _, err := server.Accept(&device.Key.PublicKey, testCred, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < ReplySize; i += 13 {
		bad := reply
		bad[i] ^= 0x10
		if _, _, err := device.Finish(bad); !errors.Is(err, ErrCredentials) && !errors.Is(err, ErrSignature) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	// Credentials of another length are not credentials.
	var short [ReplySize]byte
	encrypt(short[:encryptedSize], &device.Key.PublicKey, testCred[:39], paddingFor([32]byte{}, encryptedSize-39-3))
	if _, _, err := device.Finish(short); err != ErrCredentials {
		t.Errorf("39 bytes: %v", err)
	}
}

func TestKeysOfTheWrongSize(t *testing.T) {
	odd := *other(t, serverBits)
	odd.E = 3
	for name, key := range map[string]*rsa.PrivateKey{"none": nil, "1024 bits": deviceKey(t), "exponent 3": &odd} {
		if _, err := NewServerHandshake(key, testNonce); err != ErrKey {
			t.Errorf("server key, %s: %v", name, err)
		}
	}
	server, err := NewServerHandshake(serverKey(t), testNonce)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*rsa.PublicKey{"none": nil, "empty": {}, "2048 bits": &serverKey(t).PublicKey} {
		if reply, c, err := server.Accept(key, testCred, [32]byte{}); err != ErrKey || reply != [ReplySize]byte{} || c != (Channel{}) {
			t.Errorf("device key, %s: %v", name, err)
		}
	}
	for name, h := range map[string]ClientHandshake{
		"nothing":       {},
		"no server key": {Key: deviceKey(t)},
		"swapped":       {Key: serverKey(t), ServerKey: &deviceKey(t).PublicKey},
		"own key long":  {Key: serverKey(t), ServerKey: &serverKey(t).PublicKey},
	} {
		if _, err := h.Answer(testNonce, [32]byte{}); err != ErrKey {
			t.Errorf("client, %s: %v", name, err)
		}
	}
}

// Our own padding is what everybody else expects of PKCS#1 v1.5.
func TestEncryptAgainstTheStandardLibrary(t *testing.T) {
	key := deviceKey(t)
	for seed := range byte(50) {
		message := bytes.Repeat([]byte{seed}, int(seed))
		n := key.Size() - len(message) - 3
		padding := paddingFor([32]byte{seed}, n)
		if len(padding) != n || bytes.IndexByte(padding, 0) >= 0 {
			t.Fatalf("padding %x", padding)
		}
		ciphertext := make([]byte, key.Size())
		encrypt(ciphertext, &key.PublicKey, message, padding)
		got, err := rsa.DecryptPKCS1v15(nil, key, ciphertext)
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("%x, %v; want %x", got, err, message)
		}
	}
}
