package spark

import "encoding/binary"

// MaxMetrics bounds the metrics of a device; Device OS has about fifty, an
// application adds its own.
const MaxMetrics = 512

// Metric is one counter or gauge. Which of them are unsigned is a matter of the
// id: uint32(Value) then.
type Metric struct {
	ID     uint16 // 15 bits
	Failed bool   // Value is the error code with which the device failed to read it
	Value  int32
}

const (
	metricsHeader = 7
	metricLen     = 6
	metricFailed  = 1 << 15
)

// ParseMetrics reads the payload of a describe with metrics, pushed by the
// device or asked for. Numbers are little endian:
//
//	 0    1    2    3    4    5    6    7    8    9                  13
//	+----+----+----+----+----+----+----+----+----+----+----+----+----+ …
//	| 00 |  type 4 | id size | val size| F | id   |       value       |
//	+----+----+----+----+----+----+----+----+----+----+----+----+----+ …
//
// The sizes are 2 and 4; others, and a pair that is cut off, are ErrMetrics.
func ParseMetrics(payload []byte) ([]Metric, error) {
	if len(payload) < metricsHeader || payload[0] != 0 ||
		binary.LittleEndian.Uint16(payload[1:]) != uint16(DescribeMetrics) ||
		binary.LittleEndian.Uint16(payload[3:]) != 2 ||
		binary.LittleEndian.Uint16(payload[5:]) != 4 {
		return nil, ErrMetrics
	}
	pairs := payload[metricsHeader:]
	n := len(pairs) / metricLen
	if len(pairs)%metricLen != 0 || n > MaxMetrics {
		return nil, ErrMetrics
	}
	metrics := make([]Metric, n)
	for i := range metrics {
		id := binary.LittleEndian.Uint16(pairs[i*metricLen:])
		metrics[i] = Metric{
			ID:     id &^ metricFailed,
			Failed: id&metricFailed != 0,
			Value:  int32(binary.LittleEndian.Uint32(pairs[i*metricLen+2:])),
		}
	}
	return metrics, nil
}

// AppendMetrics appends the payload of a describe with metrics.
func AppendMetrics(dst []byte, metrics []Metric) []byte {
	dst = append(dst, 0, byte(DescribeMetrics), 0, 2, 0, 4, 0)
	for _, m := range metrics {
		id := m.ID &^ metricFailed
		if m.Failed {
			id |= metricFailed
		}
		dst = binary.LittleEndian.AppendUint16(dst, id)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Value))
	}
	return dst
}

var metricNames = map[uint16]string{
	1: "sys:reset", 2: "mem:free", 3: "batt:soc", 4: "sys:loops", 5: "app:loops", 6: "sys:uptime", 7: "batt:state",
	8: "net:stat", 9: "net:err", 10: "cloud:stat", 12: "net:dconn", 13: "cloud:err", 14: "cloud:dconn",
	15: "net:ip:addr", 16: "net:ip:gw", 17: "net:flags", 18: "net:cntry", 19: "net:rssi", 20: "pub:limit",
	21: "coap:retransmit", 22: "coap:unack", 23: "coap:transmit", 24: "pwr:src", 25: "sys:tram", 26: "sys:uram",
	27: "net:connatt", 28: "net:dconnrsn", 29: "cloud:connatt", 30: "cloud:dconnrsn", 31: "coap:roundtrip",
	33: "net:sigstr", 34: "net:sigqual", 35: "net:sigqualv", 36: "net:at", 37: "net:sigstrv",
	40: "net:cell:cgi:mcc", 41: "net:cell:cgi:mnc", 42: "net:cell:cgi:lac", 43: "net:cell:cgi:ci",
	44: "cloud:connif", 45: "net:alt:sigstrv", 46: "net:alt:sigstr", 47: "net:alt:sigqual",
	48: "net:alt:sigqualv", 49: "net:alt:at", 60: "sys:protected",
}

// MetricName returns the name that Device OS has for a metric, such as
// "coap:retransmit"; "" for one that it does not know.
func MetricName(id uint16) string { return metricNames[id] }
