package spark_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// The functions below read requests as Device OS does: at fixed offsets, with
// hardly a check. They are the twin against which our own careful encoders are
// compared.

var errDeviceDrops = errors.New("the device drops the connection")

// deviceOption reads an option header at *at, which it moves to the value.
func deviceOption(buf []byte, at *int) (length int) {
	length = int(buf[*at] & 0x0f)
	*at++
	switch length {
	case 13:
		length = 13 + int(buf[*at])
		*at++
	case 14:
		length = 269 + int(buf[*at])<<8 + int(buf[*at+1])
		*at += 2
	}
	return length
}

// deviceKind looks at the byte behind the first option header.
func deviceKind(buf []byte) (code, letter byte) {
	return buf[1], buf[5+buf[0]&0x0f]
}

// deviceFunction assumes a token of one byte, then two bytes of path.
func deviceFunction(buf []byte) (token byte, name, arg string, err error) {
	if code, letter := deviceKind(buf); code != 2 || letter != 'f' {
		return 0, "", "", errDeviceDrops
	}
	at := 7
	n := deviceOption(buf, &at)
	name = string(buf[at : at+n])
	at += n
	n = deviceOption(buf, &at)
	return buf[4], name, string(buf[at : at+n]), nil
}

// deviceVariable assumes the same.
func deviceVariable(buf []byte) (token byte, name string, err error) {
	if code, letter := deviceKind(buf); code != 1 || letter != 'v' {
		return 0, "", errDeviceDrops
	}
	at := 7
	n := deviceOption(buf, &at)
	return buf[4], string(buf[at : at+n]), nil
}

// deviceEvent is how Device OS before 6.2 reads an event: name segments while
// the option delta is 0, perhaps Max-Age, and then the payload or nothing.
func deviceEvent(buf []byte) (name string, data []byte, err error) {
	at := 6 + int(buf[0]&0x0f)
	if at >= len(buf) {
		return "", nil, errDeviceDrops
	}
	n := deviceOption(buf, &at)
	if n == 0 {
		return "", nil, errDeviceDrops
	}
	name = string(buf[at : at+n])
	at += n
	for at < len(buf) && buf[at]&0xf0 == 0 {
		n := deviceOption(buf, &at)
		name += "/" + string(buf[at:at+n])
		at += n
	}
	if at < len(buf) && buf[at]&0xf0 == 0x30 {
		n := deviceOption(buf, &at)
		at += n
	}
	if at < len(buf) && buf[at] == 0xff {
		data = buf[at+1:]
	}
	return name, data, nil
}

// names are what checkName lets through.
func names() *rapid.Generator[string] {
	return rapid.StringMatching(`[ -~é€]{1,21}`).Filter(func(s string) bool { return len(s) <= spark.MaxName })
}

func TestDevicesReadFunctionCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id, token := rapid.Uint16().Draw(t, "id"), rapid.Byte().Draw(t, "token")
		name := rapid.OneOf(names(), rapid.StringMatching(`[a-z]{1,64}`)).Draw(t, "name")
		arg := rapid.OneOf(rapid.StringN(0, 300, 1024), rapid.StringN(0, 1024, 1024)).Draw(t, "arg")
		buf, err := spark.AppendFunction(nil, id, token, name, arg)
		if err != nil {
			t.Fatal(err)
		}
		gotToken, gotName, gotArg, err := deviceFunction(buf)
		if err != nil || gotToken != token || gotName != name || gotArg != arg {
			t.Fatalf("a device reads %x %q %q, %v", gotToken, gotName, gotArg, err)
		}
		m := reparse(t, buf)
		f, err := spark.ParseFunction(m)
		if err != nil || f != (spark.Function{Token: token, Name: name, Argument: arg}) || m.ID != id {
			t.Fatalf("ParseFunction: %+v, %v", f, err)
		}
	})
}

func TestDevicesReadVariableRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.Byte().Draw(t, "token")
		name := rapid.OneOf(names(), rapid.StringMatching(`[a-z]{1,64}`)).Draw(t, "name")
		buf, err := spark.AppendVariable(nil, 7, token, name)
		if err != nil {
			t.Fatal(err)
		}
		gotToken, gotName, err := deviceVariable(buf)
		if err != nil || gotToken != token || gotName != name {
			t.Fatalf("a device reads %x %q, %v", gotToken, gotName, err)
		}
		gotToken, gotName, err = spark.ParseVariable(reparse(t, buf))
		if err != nil || gotToken != token || gotName != name {
			t.Fatalf("ParseVariable: %x %q, %v", gotToken, gotName, err)
		}
	})
}

func TestOldDevicesReadDeliveredEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := events().Draw(t, "event")
		layout := spark.DeliveryLayout(rapid.SampledFrom([]uint16{0, 3300, 5501, 6199}).Draw(t, "version"))
		layout.Split = rapid.Bool().Draw(t, "split") && e.Name[0] != '/'
		buf, err := spark.AppendEvent(nil, coap.Confirmable, 7, &e, layout)
		if err != nil {
			t.Fatal(err)
		}
		name, data, err := deviceEvent(buf)
		if err != nil || name != e.Name || !bytes.Equal(data, e.Data) {
			t.Fatalf("a device reads %q %x, %v", name, data, err)
		}
	})
}

// TestDevicesReadFixedPlaces: the state of a signal is at offset 8, the time at
// 6..9, behind a marker at 5.
func TestDevicesReadFixedPlaces(t *testing.T) {
	for _, on := range []bool{false, true} {
		if buf := spark.AppendSignal(nil, 0x1234, 0x99, on); (buf[8] != 0) != on || len(buf) != 9 {
			t.Errorf("signal %v: %x", on, buf)
		}
	}
	want := unhex(t, "61 45 1234 99 ff 6b02f459")
	if buf := spark.AppendTime(nil, 0x1234, 0x99, 0x6b02f459); !bytes.Equal(buf, want) {
		t.Errorf("time: %x, want %x", buf, want)
	}
}

func reparse(t rapid.TB, buf []byte) *coap.Message {
	t.Helper()
	m, err := spark.Parse(buf)
	if err != nil {
		t.Fatalf("%x: %v", buf, err)
	}
	return &m
}
