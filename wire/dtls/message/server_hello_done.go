package message

// ServerHelloDone ends the server's flight. It has no body. RFC 5246 §7.4.5.
type ServerHelloDone struct{}

// ParseServerHelloDone checks that there is no body.
func ParseServerHelloDone(b []byte) (ServerHelloDone, error) {
	if len(b) != 0 {
		return ServerHelloDone{}, ErrMessage
	}
	return ServerHelloDone{}, nil
}

// Append returns dst as it is.
func (ServerHelloDone) Append(dst []byte) []byte { return dst }
