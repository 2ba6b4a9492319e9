package message

// ClientHello is the first message. RFC 6347 §4.2.1.
type ClientHello struct {
	Version     uint16
	Random      [32]byte
	SessionID   []byte
	Cookie      []byte
	Suites      []byte
	Compression []byte
	Extensions  Extensions
}

// Extensions are encoded extensions.
type Extensions []byte
