package status_test

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

var shots = flag.String("shots", "", "have Chromium take pictures of the page, into this folder")

// shot is a picture of the page: of which state, how, in how many pixels.
type shot struct {
	name, scene, path string
	wide, high        int
	args              []string
}

const (
	dark     = "--blink-settings=preferredColorScheme=0"
	noScript = "no-script" // the scene whose script is forbidden
)

var pictures = []shot{
	{"green", "green", "/", 900, 1500, nil},
	{"partial-outage", "partial", "/", 900, 1500, nil},
	{"incident", "partial", "/i/1", 900, 1500, nil},
	{"maintenance-dark", "maintenance", "/", 900, 1300, []string{dark}},
	{"partial-outage-dark", "partial", "/", 900, 1100, []string{dark}},
	{"blind", "blind", "/", 900, 900, nil},
	{"stale", "stale", "/", 900, 900, nil},
	{"phone", "partial", "/", 390, 1500, nil},
	{"long-texts", "long", "/", 390, 1500, nil},
	{"no-script", noScript, "/", 900, 1000, nil},
}

// TestLooks has a browser take a picture of the page in each state, and fails
// where a page is wider than the smallest screen:
//
//	go test ./watch/status -run Looks -shots docs/watch
func TestLooks(t *testing.T) {
	if *shots == "" {
		pressed(t) // without a browser, as far as that goes
		return
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("pictures are taken by Chromium: ", err)
	}
	all := scenes(t, 30, 90)
	all["long"], all[noScript] = longTexts(t), all["monitoring"]
	for _, v := range all {
		v.Fresh = 100 * 365 * 24 * time.Hour // a browser reckons by its own clock: what was made in 2020 is old
	}
	stale := *all["green"]
	stale.Fresh = 0
	all["stale"] = &stale
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		v := all[name]
		if v == nil {
			fmt.Fprintf(w, frame, r.URL.Query().Get("page"))
			return
		}
		body, kind, err := v.Render("/"+path, v.At)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", kind)
		if name == noScript {
			w.Header().Set("Content-Security-Policy", "script-src 'none'")
		}
		_, _ = w.Write(body) // the browser may have gone
	}))
	t.Cleanup(host.Close)
	profile := t.TempDir()
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		args = append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + profile, "--timezone=UTC"}, args...)
		out, err := exec.CommandContext(ctx, browser, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for _, s := range pictures {
		file := filepath.Join(profile, s.name+".png")
		run(append(slices.Clone(s.args), fmt.Sprintf("--window-size=%d,%d", s.wide, s.high), "--screenshot="+file, host.URL+"/"+s.scene+s.path)...)
		if err := press(file, filepath.Join(*shots, s.name+".png")); err != nil {
			t.Fatal(err)
		}
	}
	wide := regexp.MustCompile(`data-wide="(\d+)"`)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, path := range []string{"/", "/history", "/i/1", "/m/1"} {
			if body, _, _ := all[name].Render(path, all[name].At); body == nil {
				continue
			}
			found := wide.FindStringSubmatch(run("--virtual-time-budget=4000", "--dump-dom", host.URL+"/?page=/"+name+path))
			if found == nil || found[1] != strconv.Itoa(narrowest) {
				t.Errorf("%s%s: on a screen of %d pixels it is %q wide", name, path, narrowest, found)
			}
		}
	}
}

// narrowest is the smallest screen that there is.
const narrowest = 320

// frame shows a page on the smallest screen and says how wide it is there.
const frame = `<!doctype html><body><iframe id="f" width="320" height="600" style="border:0" src="%s"></iframe><script>
var f=document.getElementById("f");f.onload=function(){document.body.dataset.wide=f.contentDocument.documentElement.scrollWidth}</script>`

// press writes a picture with few colours, which takes a third of the room.
func press(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	full, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return err
	}
	used := map[color.RGBA]int{}
	for y := range full.Bounds().Dy() {
		for x := range full.Bounds().Dx() {
			used[color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(used), func(a, b color.RGBA) int { return cmp.Compare(used[b], used[a]) })
	var palette color.Palette
	for _, c := range most[:min(len(most), 128)] {
		palette = append(palette, c)
	}
	small := image.NewPaletted(full.Bounds(), palette)
	draw.Draw(small, small.Bounds(), full, image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}

// pressed holds that a picture stays what it is, but for rare colours.
func pressed(t *testing.T) {
	t.Helper()
	full := image.NewRGBA(image.Rect(0, 0, 40, 20))
	paper, ink := color.RGBA{247, 247, 244, 255}, color.RGBA{29, 34, 38, 255}
	draw.Draw(full, full.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	for x := range 40 {
		full.Set(x, 3, ink)
		for y := range 5 { // two hundred rare colours
			full.Set(x, 10+y, color.RGBA{uint8(6 * x), uint8(40 * y), 99, 255})
		}
	}
	from, to := filepath.Join(t.TempDir(), "full.png"), filepath.Join(t.TempDir(), "small.png")
	var b bytes.Buffer
	err := png.Encode(&b, full)
	if err == nil {
		err = os.WriteFile(from, b.Bytes(), 0o600)
	}
	if err == nil {
		err = press(from, to)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	small, err := png.Decode(bytes.NewReader(text))
	if err != nil || small.Bounds() != full.Bounds() || small.At(0, 0) != paper || small.At(7, 3) != ink {
		t.Errorf("%v: %v has become %v", err, full.Bounds(), small)
	}
	if p, ok := small.(*image.Paletted); !ok || len(p.Palette) > 128 {
		t.Error("it has as many colours as before")
	}
}

// longTexts is an outage whose every text is as long as it may be, with words
// that no line can break.
func longTexts(t *testing.T) *status.View {
	s := newStage(t, 30, 90)
	word, words := strings.Repeat("gateway-", 30), strings.Repeat("The key store does not answer. ", 60)
	j := fails(signal.ConnectTCP, signal.Major)
	j.Evidence = word
	j.Culprits = []signal.Culprit{{What: word, Explains: 0.97, Inside: 1, Rest: 0.01}}
	s.pass(time.Minute, j, fails(signal.Calls, signal.Major), fails(signal.API, signal.Partial), fails(signal.Events, signal.Degraded))
	s.count = incident.Recovery{At: s.now, Affected: 1_204_512, Owners: 88_412, Connected: 1_004_512, Answering: 904_512, Missing: 200_000, Listed: 12}
	s.must(s.book.Say(s.now, "1", "ana", words+word, true))
	s.must(s.book.Dispute(s.now, "1", "ben", word))
	s.must(s.plans.Plan(s.now, maintenance.Window{
		Kind: maintenance.Emergency, Title: word, Reason: words, Who: "ana", Zone: "America/Argentina/ComodRivadavia", Remedies: word,
		Effects: []maintenance.Effect{{Capability: signal.API, Worst: signal.Major}}, Starts: s.now.Add(time.Hour), Ends: s.now.Add(20 * time.Hour),
	}))
	s.pass(time.Minute)
	v := s.view()
	v.Page.Name = "The Cloud of the Association of Very Long Names"
	v.Notes = []string{words + word}
	for i := range v.Strips {
		v.Strips[i].Vantage, v.Strips[i].Ingress = word, word
	}
	return v
}
