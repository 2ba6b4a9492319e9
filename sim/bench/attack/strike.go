package attack

import (
	"bufio"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/usage"
)

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
		began := time.Now()
		a := &attacker{Part: part, end: began.Add(part.For)}
		if err := plan[i].run(a, ctx); err != nil {
			return err
		}
		if a.Busy, err = busy(time.Since(began)); err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(a.strike)
	}
	return fmt.Errorf("attack: there is none called %s", name)
}

// busy is what this process has used of a processor, since its start and in the
// time that passed.
func busy(passed time.Duration) (Busy, error) {
	u, err := usage.Of(os.Getpid())
	if err != nil && !errors.Is(err, usage.ErrPlatform) {
		return Busy{}, err
	}
	b := Busy{CPU: float64(u.CPU.Milliseconds()) / 1e3, Seconds: float64(passed.Milliseconds()) / 1e3}
	if b.Seconds > 0 {
		b.Percent = float64(int(1000*b.CPU/b.Seconds)) / 10
	}
	return b, nil
}

func parseRSA(der []byte) (*rsa.PrivateKey, error) { return x509.ParsePKCS1PrivateKey(der) }
