package dtls

import (
	"errors"
	"fmt"
)

// AlertLevel says whether an alert ends the connection. RFC 5246 §7.2.
type AlertLevel uint8

// The two levels.
const (
	Warning AlertLevel = 1
	Fatal   AlertLevel = 2
)

// AlertDescription is the reason inside an alert. RFC 5246 §7.2.2.
type AlertDescription uint8

// The descriptions that this profile sends or has names for.
const (
	CloseNotify            AlertDescription = 0
	UnexpectedMessage      AlertDescription = 10
	BadRecordMAC           AlertDescription = 20
	HandshakeFailure       AlertDescription = 40
	BadCertificate         AlertDescription = 42
	UnsupportedCertificate AlertDescription = 43
	CertificateUnknown     AlertDescription = 46
	IllegalParameter       AlertDescription = 47
	UnknownCA              AlertDescription = 48
	AccessDenied           AlertDescription = 49
	DecodeError            AlertDescription = 50
	DecryptError           AlertDescription = 51
	ProtocolVersion        AlertDescription = 70
	InternalError          AlertDescription = 80
	UserCanceled           AlertDescription = 90
	NoRenegotiation        AlertDescription = 100
)

// String is the name that RFC 5246 gives the description.
func (d AlertDescription) String() string {
	if name, ok := alertNames[d]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", uint8(d))
}

var alertNames = map[AlertDescription]string{
	CloseNotify:            "close_notify",
	UnexpectedMessage:      "unexpected_message",
	BadRecordMAC:           "bad_record_mac",
	HandshakeFailure:       "handshake_failure",
	BadCertificate:         "bad_certificate",
	UnsupportedCertificate: "unsupported_certificate",
	CertificateUnknown:     "certificate_unknown",
	IllegalParameter:       "illegal_parameter",
	UnknownCA:              "unknown_ca",
	AccessDenied:           "access_denied",
	DecodeError:            "decode_error",
	DecryptError:           "decrypt_error",
	ProtocolVersion:        "protocol_version",
	InternalError:          "internal_error",
	UserCanceled:           "user_canceled",
	NoRenegotiation:        "no_renegotiation",
}

// ErrAlert is returned for an alert that is not two bytes.
var ErrAlert = errors.New("dtls: malformed alert")

// AlertError ends a handshake. It is the only error after which a handshake is over: any other error that Receive returns
// means that one datagram was dropped.
//
// Peer tells who ended it. If it is false we did, Err says why and the alert is in Output.Send; if it is true the peer sent
// the alert, which is how a device says that it does not trust the server's key.
type AlertError struct {
	Level       AlertLevel
	Description AlertDescription
	Peer        bool
	Err         error // the cause, one of this package's errors; nil if Peer
}

// Error is the cause, or for a peer's alert its RFC name.
func (e *AlertError) Error() string {
	if e.Peer {
		return "dtls: peer sent " + e.Description.String()
	}
	if e.Err == nil {
		return "dtls: " + e.Description.String()
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *AlertError) Unwrap() error { return e.Err }

// AppendAlert adds the two bytes of an alert to dst. Sealed by a session as a record of type Alert it reaches an
// established peer; nothing unencrypted does.
//
//	+-------+-------------+
//	| level | description |     RFC 5246 §7.2
//	+-------+-------------+
func AppendAlert(dst []byte, level AlertLevel, description AlertDescription) []byte {
	return append(dst, byte(level), byte(description))
}

// ParseAlert reads the plaintext of a record of type Alert, or returns ErrAlert.
func ParseAlert(plaintext []byte) (AlertLevel, AlertDescription, error) {
	if len(plaintext) != 2 || (plaintext[0] != byte(Warning) && plaintext[0] != byte(Fatal)) {
		return 0, 0, ErrAlert
	}
	return AlertLevel(plaintext[0]), AlertDescription(plaintext[1]), nil
}

// fatal makes the error with which we end a handshake.
func fatal(description AlertDescription, cause error) *AlertError {
	return &AlertError{Level: Fatal, Description: description, Err: cause}
}
