package status_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast holds that everybody can read the page: text has the contrast
// that WCAG 2 asks for at level AA, 4.5, and what is drawn has 3, in the light
// and in the dark.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("web/page.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(string(css), -1)
	if len(schemes) != 2 {
		t.Fatalf("the page has %d schemes of colours, want a light and a dark one", len(schemes))
	}
	for n, scheme := range schemes {
		name := [...]string{"light", "dark"}[n]
		of := map[string]float64{}
		for _, v := range regexp.MustCompile(`--([a-z]+):#([0-9a-f]{3,6})\b`).FindAllStringSubmatch(scheme[1], -1) {
			of[v[1]] = luminance(t, v[2])
		}
		for colour, at := range of {
			least := 4.5
			switch {
			case colour == "bg" || colour == "card" || colour == "line" || colour == "none":
				continue // what stands behind, and what is not there
			case strings.HasSuffix(colour, "bar"):
				least = 3
			}
			for _, behind := range []string{"bg", "card"} {
				if least == 3 && behind == "bg" {
					continue // nothing is drawn there
				}
				if c := contrast(at, of[behind]); c < least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", name, colour, behind, c, least)
				}
			}
		}
	}
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// luminance is WCAG's relative luminance of a colour in hexadecimal digits.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for n, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[2*n:2*n+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		part := float64(v) / 255
		if part <= 0.03928 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
