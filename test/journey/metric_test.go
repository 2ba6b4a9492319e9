package journey

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// metric reads one of the cloud's metrics, by its name with its labels; 0 if
// there is none.
func metric(c *harness.Cloud, name string) float64 {
	_, body := c.Do(http.MethodGet, rest.PathMetrics, nil)
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			n, _ := strconv.ParseFloat(value, 64) // not a number: 0
			return n
		}
	}
	return 0
}
