package dtls_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/google/go-cmp/cmp"
)

func TestParseRecord(t *testing.T) {
	number := []byte{0, 1, 0, 0, 0, 0, 1, 2}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	cid, id := []byte("connid.8"), []byte("twelve bytes")
	for _, test := range []struct {
		name     string
		datagram []byte
		want     dtls.Record
		rest     int
		err      error
	}{
		{
			name:     "application data, and another record",
			datagram: join([]byte{23, 0xfe, 0xfd}, number, []byte{0, 3}, []byte("abc"), []byte{22}),
			want:     dtls.Record{Type: dtls.ApplicationData, Epoch: 1, Seq: 0x102, Fragment: []byte("abc")},
			rest:     1,
		},
		{
			name:     "with a connection id",
			datagram: join([]byte{25, 0xfe, 0xfd}, number, cid, []byte{0, 3}, []byte("abc")),
			want:     dtls.Record{Type: dtls.ConnectionID, Epoch: 1, Seq: 0x102, CID: cid, Fragment: []byte("abc")},
		},
		{
			name:     "moved, with a connection id",
			datagram: join([]byte{253, 0xfe, 0xfd}, number, cid, []byte{0, 0}),
			want:     dtls.Record{Type: dtls.MovedCID, Epoch: 1, Seq: 0x102, CID: cid, Fragment: []byte{}, Moved: true},
		},
		{
			name:     "moved, with the device id behind",
			datagram: join([]byte{254, 0xfe, 0xfd}, number, []byte{0, 3}, []byte("abc"), id, []byte{12}),
			want:     dtls.Record{Type: dtls.MovedPlain, Epoch: 1, Seq: 0x102, Fragment: []byte("abc"), DeviceID: id, Moved: true},
		},
		{
			name:     "a first hello under DTLS 1.0's number",
			datagram: []byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
			want:     dtls.Record{Type: dtls.Handshake, Seq: 1, Fragment: []byte{}},
		},
		{name: "nothing", err: dtls.ErrShort},
		{name: "half a header", datagram: []byte{23, 0xfe, 0xfd}, err: dtls.ErrShort},
		{name: "half a connection id", datagram: join([]byte{25, 0xfe, 0xfd}, number, cid[:4]), err: dtls.ErrShort},
		{name: "half a fragment", datagram: join([]byte{23, 0xfe, 0xfd}, number, []byte{0, 3}, []byte("ab")), err: dtls.ErrShort},
		{name: "an unknown type", datagram: join([]byte{24, 0xfe, 0xfd}, number, []byte{0, 0}), err: dtls.ErrType},
		{name: "TLS", datagram: join([]byte{22, 3, 3}, number, []byte{0, 0}), err: dtls.ErrVersion},
		{name: "DTLS 1.0 in epoch 1", datagram: join([]byte{23, 0xfe, 0xff}, number, []byte{0, 0}), err: dtls.ErrVersion},
		{name: "moved without a device id", datagram: join([]byte{254, 0xfe, 0xfd}, number, []byte{0, 0}), err: dtls.ErrTrailer},
		{name: "a device id of another length", datagram: join([]byte{254, 0xfe, 0xfd}, number, []byte{0, 0}, id, []byte{11}), err: dtls.ErrTrailer},
		{name: "more than a device id", datagram: join([]byte{254, 0xfe, 0xfd}, number, []byte{0, 0}, id, []byte{12, 12}), err: dtls.ErrTrailer},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, rest, err := dtls.ParseRecord(test.datagram)
			if !errors.Is(err, test.err) || len(rest) != test.rest {
				t.Fatalf("%d bytes left, %v", len(rest), err)
			}
			if err == nil {
				test.want.Raw = test.datagram[:len(test.datagram)-test.rest]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRecordAllocatesNothing(t *testing.T) {
	client, _ := sessions(dtls.DraftCID)
	datagram := mustSeal(t, client, dtls.ApplicationData, "word").Raw
	n := testing.AllocsPerRun(100, func() {
		if r, _, err := dtls.ParseRecord(datagram); err != nil || len(r.CID) != 8 {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAlerts(t *testing.T) {
	for _, b := range [][]byte{nil, {2}, {2, 40, 0}, {0, 40}, {3, 40}} {
		if _, _, err := dtls.ParseAlert(b); !errors.Is(err, dtls.ErrAlert) {
			t.Errorf("%x: %v", b, err)
		}
	}
	for d, want := range map[dtls.AlertDescription]string{dtls.CloseNotify: "close_notify", dtls.DecryptError: "decrypt_error", 200: "alert 200"} {
		if d.String() != want {
			t.Errorf("%d is %q, want %q", d, d, want)
		}
	}
	for err, want := range map[*dtls.AlertError]string{
		{Description: dtls.DecryptError, Err: dtls.ErrSignature}: "dtls: bad signature",
		{Description: dtls.CloseNotify, Peer: true}:              "dtls: peer sent close_notify",
		{Description: dtls.InternalError}:                        "dtls: internal_error",
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
	var names []string
	for s := dtls.StageHello; s <= dtls.StageFinished+1; s++ {
		names = append(names, s.String())
	}
	if diff := cmp.Diff([]string{"hello", "certificate", "key_exchange", "verified", "finished", "unknown"}, names); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
}
