package bus

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// answer is what one node said about some devices.
type answer struct {
	address string
	asked   []device.ID
	states  map[device.ID]device.State
	err     error
}

// States asks the nodes what state the devices are in: the one source for
// what is connected. Devices that no node knows are left out; those of a
// node that does not answer are Unknown, and so is, while there is a node that
// speaks another version, every device that is not connected to another.
// Without any gateway that can be asked it fails as Unavailable.
func (b *Bus) States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	gateways, others := b.presence.gateways(), b.presence.others()
	if len(gateways) == 0 {
		return nil, cmp.Or(others, errNoGateway())
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all := make(map[device.ID]device.State, len(ids))
	groups := b.presence.group(ids)
	unheld := groups[""]
	delete(groups, "")
	answers := 0
	for _, a := range b.ask(ctx, groups) {
		if a.err != nil {
			for _, id := range a.asked {
				all[id] = device.State{Word: device.Unknown}
			}
			continue
		}
		answers++
		maps.Copy(all, a.states)
		unheld = append(unheld, missing(a.asked, a.states)...)
	}
	if len(unheld) == 0 {
		return blurred(all, ids, others), nil
	}
	for _, a := range b.askAll(ctx, gateways, unheld) {
		if a.err == nil {
			answers++
		}
		for id, s := range a.states {
			have, ok := all[id]
			if !ok || s.Connected() && !have.Connected() || s.Connected() == have.Connected() && have.Since.Before(s.Since) {
				all[id] = s
			}
		}
	}
	if answers == 0 {
		return nil, cmp.Or(others, errNoGateway())
	}
	return blurred(all, ids, others), nil
}

// blurred is what may be said of the devices while others, which cannot be
// asked, may hold those that are not connected here.
func blurred(all map[device.ID]device.State, ids []device.ID, others error) map[device.ID]device.State {
	if others == nil {
		return all
	}
	for _, id := range ids {
		if !all[id].Connected() {
			all[id] = device.State{Word: device.Unknown}
		}
	}
	return all
}

func missing(asked []device.ID, states map[device.ID]device.State) (ids []device.ID) {
	for _, id := range asked {
		if _, ok := states[id]; !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// askAll asks each of the nodes about all the devices.
func (b *Bus) askAll(ctx context.Context, addresses []string, ids []device.ID) []answer {
	groups := make(map[string][]device.ID, len(addresses))
	for _, address := range addresses {
		groups[address] = ids
	}
	return b.ask(ctx, groups)
}

// ask asks each node about its devices, all at once, and gives what they
// said within askPatience.
func (b *Bus) ask(ctx context.Context, groups map[string][]device.ID) []answer {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	var answers []answer
	for address, ids := range groups {
		for some := range slices.Chunk(ids, askLimit) {
			answers = append(answers, answer{address: address, asked: some})
		}
	}
	var asking sync.WaitGroup
	for i := range answers {
		a := &answers[i]
		asking.Go(func() { a.states, a.err = b.askNode(ctx, a.address, a.asked) }) // until the answer or ctx's end
	}
	asking.Wait()
	return answers
}

// askNode asks one node.
func (b *Bus) askNode(ctx context.Context, address string, ids []device.ID) (map[device.ID]device.State, error) {
	reply, err := b.conn.RequestMsgWithContext(ctx, &nats.Msg{
		Subject: subjectNode + address + "." + wordStates, Data: encodeAsk(ids),
	})
	if err != nil {
		return nil, err
	}
	if theirs, other := versionOf(reply.Data); other {
		return nil, b.answeredOther(address, theirs)
	}
	states := make(map[device.ID]device.State, len(ids))
	err = decodeStates(reply.Data, func(id device.ID, s device.State) { states[id] = s })
	return states, err
}
