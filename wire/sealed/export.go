package sealed

const (
	exportVersion = 1
	exportSize    = 1 + 3*blockSize
)

// AppendBinary appends the channel's state for another process that takes the
// connection over, 49 bytes. It holds the session's key: guard it. It returns
// no error.
//
//	+-------------+----------+--------------+---------------+
//	| version (1) | key (16) | read IV (16) | write IV (16) |   version 1
//	+-------------+----------+--------------+---------------+
func (c *Channel) AppendBinary(dst []byte) ([]byte, error) {
	dst = append(dst, exportVersion)
	dst = append(dst, c.key[:]...)
	dst = append(dst, c.readIV[:]...)
	return append(dst, c.writeIV[:]...), nil
}

// UnmarshalBinary restores what AppendBinary wrote, or returns ErrExport.
func (c *Channel) UnmarshalBinary(b []byte) error {
	if len(b) != exportSize || b[0] != exportVersion {
		return ErrExport
	}
	c.key = [blockSize]byte(b[1:])
	c.readIV = [blockSize]byte(b[1+blockSize:])
	c.writeIV = [blockSize]byte(b[1+2*blockSize:])
	return nil
}
