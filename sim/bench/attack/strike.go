package attack

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// niceness is that of an attacker: what it costs itself is not what is
// measured.
const niceness = 10

// Strike plays the attack of the name: it reads its part and says what came of
// it.
func Strike(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	part, err := readPart(bufio.NewReader(in))
	if err != nil {
		return err
	}
	for i := range plan {
		if plan[i].name != name {
			continue
		}
		beNice()
		a := &attacker{Part: part, end: time.Now().Add(part.For)}
		if err := plan[i].run(a, ctx); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(a.strike)
	}
	return fmt.Errorf("attack: there is none called %s", name)
}

func parseRSA(der []byte) (*rsa.PrivateKey, error) { return x509.ParsePKCS1PrivateKey(der) }
