package golden

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// owner is somebody with devices.
type owner struct {
	stage.Person
	api  *client.Client
	list []string // ids of devices
}

// herd is devices of one owner and one transport that are switched together:
// `cyan sim --count`.
type herd struct {
	*stage.Process
	owner *owner
	args  []string
	log   string
	count int
}

// crowd is everybody with a device.
type crowd struct {
	t      testing.TB
	cloud  *stage.Cloud
	owners []*owner
	steady []*herd
	boots  []*herd // that are switched off and on while the fault lasts

	mu       sync.Mutex
	connects map[int64]int // guarded by mu: by the second
}

// gather makes accounts and switches devices on.
func gather(t testing.TB, c *stage.Cloud, s *size) *crowd {
	t.Helper()
	r := &crowd{t: t, cloud: c, connects: map[int64]int{}}
	for i := range s.owners {
		p, password := c.Hire(fmt.Sprintf("owner%02d@example.com", i+1))
		o := &owner{Person: p}
		token, err := client.New(client.Config{URL: c.At.API}).Grant(t.Context(), client.Grant{Username: p.Name, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		o.api = client.New(client.Config{URL: c.At.API, Token: token.AccessToken})
		r.owners = append(r.owners, o)
	}
	for i, o := range r.owners {
		tcp := (s.tcp-s.herds*s.herd*7/10)/s.owners + min(1, max(0, (s.tcp-s.herds*s.herd*7/10)%s.owners-i))
		udp := (s.udp-s.herds*s.herd*3/10)/s.owners + min(1, max(0, (s.udp-s.herds*s.herd*3/10)%s.owners-i))
		r.steady = append(r.steady, r.herd(o, "tcp", 0, tcp), r.herd(o, "udp", 0, udp))
	}
	for i := range s.herds {
		transport := "tcp"
		if i%10 >= 7 {
			transport = "udp"
		}
		r.boots = append(r.boots, r.herd(r.owners[i%len(r.owners)], transport, 500+i*s.herd, s.herd))
	}
	for _, h := range append(append([]*herd(nil), r.steady...), r.boots...) {
		r.on(h)
	}
	return r
}

func (r *crowd) herd(o *owner, transport string, number, count int) *herd {
	return &herd{
		owner: o, count: count, log: filepath.Join(r.cloud.Dir, "sim", fmt.Sprintf("%s-%s-%d.log", o.Name, transport, number)),
		args: append(r.way(transport), "--json", "--count", fmt.Sprint(count), "--number", fmt.Sprint(number), "--ramp", "20s"),
	}
}

// way gives the flags of a virtual device.
func (r *crowd) way(transport string) []string {
	at, key := r.cloud.TCP, r.cloud.At.KeyTCP
	if transport == "udp" {
		at, key = r.cloud.UDP, r.cloud.At.KeyUDP
	}
	return []string{"sim", "--transport", transport, "--server", at.Addr(), "--server-key", key}
}

// on switches a herd on, and counts who connects.
func (r *crowd) on(h *herd) {
	if h.count == 0 {
		return
	}
	h.Process = h.owner.Start(r.t, h.log, h.args...)
	lines := h.Lines
	go func() { // ends with the process
		was := 0
		for line := range lines {
			var now struct {
				At       time.Time
				Connects int
			}
			if json.Unmarshal(line, &now) != nil || now.Connects < was {
				continue
			}
			r.mu.Lock()
			r.connects[now.At.Unix()] += now.Connects - was
			r.mu.Unlock()
			was = now.Connects
		}
	}()
}

// revive switches devices on again whose process has ended by itself, which it
// does when the cloud is too slow to register them.
func (r *crowd) revive() {
	for _, h := range append(append([]*herd(nil), r.steady...), r.boots...) {
		if h.count == 0 {
			continue
		}
		if last, ended := h.Ended(); ended {
			r.t.Logf("%v has ended: %s", h.args, last)
			r.on(h)
		}
	}
}

// storm says how many devices connected from a time on, and the most within any
// five seconds, a second.
func (r *crowd) storm(from time.Time) (all int, peak float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, n := range r.connects {
		if at < from.Unix() {
			continue
		}
		all += n
		sum := 0
		for s := range int64(5) {
			sum += r.connects[at+s]
		}
		peak = max(peak, float64(sum)/5)
	}
	return all, peak
}

// look asks for every owner's devices, and gives how many there are and how
// many are connected.
func (r *crowd) look(ctx context.Context) (all, connected int, err error) {
	for _, o := range r.owners {
		list, err := o.api.Devices(ctx)
		if err != nil {
			return all, connected, err
		}
		o.list = o.list[:0]
		for _, d := range list {
			o.list = append(o.list, d.ID)
			all++
			if d.Connected {
				connected++
			}
		}
	}
	return all, connected, nil
}

// connected lists devices that are connected over a transport, at most so many.
func (r *crowd) connected(ctx context.Context, most int, fits func(*rest.Device) bool) (who []*owner, ids []string) {
	for _, o := range r.owners {
		list, err := o.api.Devices(ctx)
		if err != nil {
			continue
		}
		n := 0
		for i := range list {
			if d := &list[i]; fits(d) && n*len(r.owners) < most {
				who, ids, n = append(who, o), append(ids, d.ID), n+1
			}
		}
	}
	return who, ids
}

// sample calls some devices, and gives how many of how many answered.
func (r *crowd) sample(ctx context.Context, most int, fits func(*rest.Device) bool) (good, all int) {
	who, ids := r.connected(ctx, most, fits)
	var mu sync.Mutex
	r.each(len(ids), func(i int) {
		if echo(ctx, who[i].api, ids[i]) == nil {
			mu.Lock()
			good++
			mu.Unlock()
		}
	})
	return good, len(ids)
}

// atOnce is how many calls are under way.
const atOnce = 32

func (r *crowd) each(n int, do func(int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() { do(i); <-slots })
	}
	all.Wait()
}

var errWrong = errors.New("it answered something else")

// echo calls a device.
func echo(ctx context.Context, api *client.Client, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := api.Call(ctx, id, "echo", "four")
	if err == nil && got.ReturnValue != 4 {
		return errWrong
	}
	return err
}

// census calls every device until it has answered since a time, and gives when
// the last one did; and which never did. wrong counts devices that were shown
// as connected and proven while they failed call after call.
func (r *crowd) census(ctx context.Context) (last time.Time, never, wrong []string) {
	type one struct {
		owner *owner
		id    string
	}
	var list []one
	for _, o := range r.owners {
		for _, id := range o.list {
			list = append(list, one{o, id})
		}
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, 4*atOnce)
	for _, x := range list {
		all.Go(func() { // until it answers, or ctx ends
			for fails := 0; ctx.Err() == nil; fails++ {
				slots <- struct{}{}
				err := echo(ctx, x.owner.api, x.id)
				lied := err != nil && fails > 0 && shownWell(ctx, x.owner.api, x.id)
				<-slots
				mu.Lock()
				if err == nil {
					last = time.Now()
				}
				if lied {
					wrong = append(wrong, x.id)
				}
				mu.Unlock()
				if err == nil {
					return
				}
				pause.For(ctx, between)
			}
			mu.Lock()
			never = append(never, x.id)
			mu.Unlock()
		})
	}
	all.Wait()
	return last, never, wrong
}

// between is how long a device that did not answer is left alone.
const between = 4 * time.Second

// shownWell tells whether a device is shown as connected and proven, by a proof
// that is older than the call that just failed.
func shownWell(ctx context.Context, api *client.Client, id string) bool {
	d, err := api.Device(ctx, id)
	return err == nil && d.Connected && d.Proven && time.Since(d.ProvenAt.Time) > between
}

// fault shuts both doors to those who come anew.
func (r *crowd) fault(f door.Fault) {
	if err := errors.Join(r.cloud.TCP.Set(f), r.cloud.UDP.Set(f)); err != nil {
		r.t.Fatal(err)
	}
}
