package headcount

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// fresh is how old a count may be that stands for a moment, or for what another
// node has now.
const fresh = 2 * time.Minute

// Point is what was counted in a stretch of time.
type Point struct {
	At             time.Time // when it begins
	Known          bool      // it was counted; the rest is 0 otherwise
	Last, Min, Max int       // connected devices
}

// Only picks the devices that a history is about. The zero value is all.
type Only struct {
	Dimension Dimension
	Word      string // of the dimension; empty: whatever it is
}

// in gives how many there were in a minute; false: it is not known, because they
// may be among those that there was no room for.
func (o Only) in(b *block, minute int) (n int, known bool) {
	if o.Word == "" {
		for _, kind := range []uint8{online, limbo} {
			if line := b.lines[series{kind: kind}]; line != nil {
				n += int(line[minute])
			}
		}
		return n, true
	}
	held := false
	for name, line := range b.lines {
		if name.kind == byDimension+uint8(o.Dimension) && o.Dimension.Word(name.value) == o.Word {
			held = true
			n += int(line[minute])
		}
	}
	rest := b.lines[seriesOf(o.Dimension, other)]
	return n, held || rest == nil || rest[minute] == 0
}

// History gives what was counted of an owner's devices from since until before
// until, in stretches of step, which is a multiple of a minute. It begins where
// the stretch does that since is in.
func (c *Counter) History(ctx context.Context, owner account.ID, only Only, since, until time.Time, step time.Duration) ([]Point, error) {
	each := int64(max(step, time.Minute) / time.Minute)
	first := since.Unix() / 60 / each * each
	n := (max(0, until.Unix()+59)/60 - first + each - 1) / each
	if n <= 0 {
		return nil, nil
	}
	list, err := c.told(ctx, owner, first/minutes, (first+n*each-1)/minutes)
	if err != nil {
		return nil, err
	}
	counts := make([]int, n*each) // 1 more than counted; 0: not known
	for _, e := range list {
		for minute := range minutes {
			at := e.hour*minutes + int64(minute) - first
			if at < 0 || at >= int64(len(counts)) || !e.block.has(minute) {
				continue
			}
			if v, known := only.in(e.block, minute); known {
				counts[at] = max(1, counts[at]) + v
			}
		}
	}
	points := make([]Point, n)
	for i := range points {
		p := &points[i]
		p.At = time.Unix((first+int64(i)*each)*60, 0).UTC()
		for _, v := range counts[int64(i)*each : int64(i+1)*each] {
			if v == 0 {
				continue
			}
			v--
			if !p.Known {
				p.Known, p.Min = true, v
			}
			p.Last, p.Min, p.Max = v, min(p.Min, v), max(p.Max, v)
		}
	}
	return points, nil
}

// told gives what each node said of an owner in each hour. One that counted, and
// had room for everybody, has said that there was none when it says nothing of
// him.
func (c *Counter) told(ctx context.Context, owner account.ID, from, to int64) (list []entry, err error) {
	type place struct {
		hour int64
		node string
	}
	all, err := c.book.between(ctx, owner, from, to)
	if err != nil {
		return nil, err
	}
	said := map[place]bool{}
	for _, e := range all {
		if e.owner == owner {
			said[place{e.hour, e.node}] = true
			list = append(list, e)
		}
	}
	for _, e := range all {
		if e.owner == Everybody && !said[place{e.hour, e.node}] && !e.block.partial {
			e.block = newBlock(e.block.present)
			list = append(list, e)
		}
	}
	return list, nil
}

// Moment gives what was counted last at a time, in that minute or the one
// before; nil: it was not.
func (c *Counter) Moment(ctx context.Context, owner account.ID, at time.Time) (*Sheet, time.Time, error) {
	return c.sum(ctx, owner, at, func(string) bool { return true })
}

// sum adds up what the nodes counted last at a time.
func (c *Counter) sum(ctx context.Context, owner account.ID, at time.Time, of func(node string) bool) (all *Sheet, when time.Time, err error) {
	last := at.Unix() / 60
	first := last - int64(fresh/time.Minute) + 1
	list, err := c.told(ctx, owner, first/minutes, last/minutes)
	if err != nil {
		return nil, time.Time{}, err
	}
	newest := map[string]*Sheet{}
	minutesOf := map[string]int64{}
	for _, e := range list {
		for minute := max(first, e.hour*minutes); minute <= min(last, e.hour*minutes+minutes-1); minute++ {
			if e.block.has(int(minute%minutes)) && of(e.node) && minute >= minutesOf[e.node] {
				newest[e.node], minutesOf[e.node] = e.block.sheet(int(minute%minutes)), minute
			}
		}
	}
	for node, s := range newest {
		if all == nil {
			all = new(Sheet)
		}
		all.merge(s)
		if t := time.Unix(minutesOf[node]*60, 0).UTC(); t.After(when) {
			when = t
		}
	}
	return all, when, nil
}
