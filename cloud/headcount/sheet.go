package headcount

import (
	"maps"
	"strconv"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// Everybody stands for all owners, and for devices that have none.
const Everybody account.ID = "*"

// Dimension is something that devices are told apart by.
type Dimension uint8

// The dimensions.
const (
	Product   Dimension = iota
	Transport           // udp or tcp
	Firmware            // of a product: its number and its version
	System              // version of Device OS
	dimensions
)

// other is the value of all that there is no room for.
const other = 1 << 32

// The values of Transport.
const (
	overUDP = 1
	overTCP = 2
)

// noVersion is what firmware says that is no product's.
const noVersion = 0xffff

// unknown is the word for what a device has not said.
const unknown = "unknown"

// Word gives a value as people read it. Several values may have the same.
func (d Dimension) Word(value uint64) string {
	switch {
	case value == other:
		return "other"
	case value == 0:
		return unknown
	case d == Transport && value == overUDP:
		return "udp"
	case d == Transport:
		return "tcp"
	case d == Firmware && value&0xffff == noVersion:
		return strconv.FormatUint(value>>16, 10) + "/none"
	case d == Firmware:
		return strconv.FormatUint(value>>16, 10) + "/" + strconv.FormatUint(value&0xffff, 10)
	case d == System:
		return device.SystemVersion(uint16(value))
	default:
		return strconv.FormatUint(value, 10)
	}
}

// valuesOf gives the value of every dimension.
func valuesOf(t *device.Traits) (v [dimensions]uint64) {
	v[Product], v[Firmware], v[System] = uint64(t.Product), uint64(t.Product)<<16|uint64(t.Firmware), uint64(t.System)
	switch t.Transport {
	case "udp":
		v[Transport] = overUDP
	case "tcp":
		v[Transport] = overTCP
	}
	return v
}

// Sheet is what was counted of an owner's devices at one moment.
type Sheet struct {
	device.Headcount
	by [dimensions]map[uint64]int // how many of the connected have which value
}

// add counts devices that have the traits.
func (s *Sheet) add(t *device.Traits, n device.Headcount) {
	s.Headcount.Add(n)
	if n.Connected() == 0 {
		return
	}
	for d, value := range valuesOf(t) {
		s.put(Dimension(d), value, n.Connected())
	}
}

func (s *Sheet) put(d Dimension, value uint64, n int) {
	if s.by[d] == nil {
		s.by[d] = map[uint64]int{}
	}
	s.by[d][value] += n
}

// merge adds what another node counted.
func (s *Sheet) merge(o *Sheet) {
	s.Headcount.Add(o.Headcount)
	for d := range o.by {
		for value, n := range o.by[d] {
			s.put(Dimension(d), value, n)
		}
	}
}

// equal tells whether both say the same.
func (s *Sheet) equal(o *Sheet) bool {
	if s.Headcount != o.Headcount {
		return false
	}
	for d := range s.by {
		if !maps.Equal(s.by[d], o.by[d]) {
			return false
		}
	}
	return true
}

// By gives how many of the connected there are by the words of a dimension, the
// most words that are wanted and the rest as "other".
func (s *Sheet) By(d Dimension, most int) map[string]int {
	words := map[string]int{}
	for _, value := range largest(s.by[d]) {
		word := d.Word(value)
		if _, known := words[word]; !known && len(words) >= most {
			word = d.Word(other)
		}
		words[word] += s.by[d][value]
	}
	return words
}
