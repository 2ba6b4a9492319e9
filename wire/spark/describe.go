package spark

import (
	"slices"

	"github.com/cyan-cloud/cyan/wire/coap"
)

// DescribeFlags say which part of itself a device describes. A request names
// exactly one: Device OS 5.5 and later drops the connection when asked for the
// system and the application together.
type DescribeFlags uint8

// Parts of a describe.
const (
	DescribeSystem      DescribeFlags = 1 // firmware modules, modem (ParseSystem)
	DescribeApplication DescribeFlags = 2 // functions and variables (ParseApplication)
	DescribeMetrics     DescribeFlags = 4 // counters and gauges (ParseMetrics)
)

// Single reports whether f names exactly one known part.
func (f DescribeFlags) Single() bool {
	return f == DescribeSystem || f == DescribeApplication || f == DescribeMetrics
}

// Bounds of a describe.
const (
	// MaxDescribe is the longest describe, all blocks together, in bytes. A
	// hundred functions and a hundred variables with the longest names make
	// 13.8 KB; it is what a coap.Assembler for describes should be given.
	MaxDescribe = 16 << 10
	// MaxFunctions bounds functions, and variables likewise. Device OS 3.3 and
	// later stops at 100; before, as many fit as an 800-byte message holds.
	MaxFunctions = 200
	// MaxModules bounds firmware modules; a device has about ten.
	MaxModules = 64
	// MaxDependencies bounds the dependencies of a module; Device OS knows two.
	MaxDependencies = 8
	// MaxAssets bounds the assets of a device, and those a module depends on.
	MaxAssets = 128
)

// Describe is what a device said about itself: application, system, or both.
type Describe struct {
	HasApplication bool       // Functions and Variables were stated, be it that there are none
	Functions      []string   // in the order of the device
	Variables      []Variable // in the order of the device
	System         *System    // nil when not stated
}

// Variable is the name and type of a variable.
type Variable struct {
	Name string
	Type VariableType
}

// Merge takes over the parts that other states. It shares their memory.
func (d *Describe) Merge(other Describe) {
	if other.HasApplication {
		d.HasApplication = true
		d.Functions, d.Variables = other.Functions, other.Variables
	}
	if other.System != nil {
		d.System = other.System
	}
}

// HasFunction reports whether the device has the function of that name, which
// is to be known before it is called: a device doesn't answer otherwise.
func (d *Describe) HasFunction(name string) bool {
	return slices.Contains(d.Functions, name)
}

// VariableType returns the type of the variable of that name, which is to be
// known before its value is read.
func (d *Describe) VariableType(name string) (VariableType, bool) {
	for _, v := range d.Variables {
		if v.Name == name {
			return v.Type, true
		}
	}
	return 0, false
}

// ParseDescribe reads the whole payload of a describe, whichever parts it
// states, other than metrics. binary tells that it came with Content-Format 42,
// as the system part of Device OS 5.5 and later does; everything else is JSON,
// in which older devices put both parts together.
func ParseDescribe(payload []byte, binary bool) (Describe, error) {
	if binary {
		system, err := parseSystemProto(payload)
		return Describe{System: system}, err
	}
	return parseDescribeJSON(payload)
}

// DescribePart is a message that carries a describe, or one block of it: the
// device's own POST, or its answer to a GET.
type DescribePart struct {
	Flags    DescribeFlags // of a POST; an answer's are known by its token
	Token    byte          // meaningless without HasToken
	HasToken bool          // false in a POST of Device OS before 3.3
	Binary   bool          // Content-Format is 42: octets, here protobuf
	Block    coap.Block    // meaningless without HasBlock
	HasBlock bool          // the describe does not fit one message (≥ 3.3)
	ETag     []byte        // of an answer in blocks; blocks of one describe have the same
	Payload  []byte        // a view into the message
}

// ParseDescribePost reads a POST with which a device describes itself.
func ParseDescribePost(m *coap.Message) (DescribePart, error) {
	if Classify(m) != KindDescribe {
		return DescribePart{}, ErrKind
	}
	flags, err := describeFlags(m)
	if err != nil {
		return DescribePart{}, err
	}
	p, err := parseDescribePart(m, coap.Block1)
	p.Flags = flags
	return p, err
}

// ParseDescribeAnswer reads a device's answer to a describe request. An error
// of the device, such as 4.04 to a block of a describe that it has forgotten,
// is ErrRefused, and m.Code says which.
func ParseDescribeAnswer(m *coap.Message) (DescribePart, error) {
	switch {
	case !m.Code.Response():
		return DescribePart{}, ErrKind
	case m.Code.Class() != 2:
		return DescribePart{}, ErrRefused
	}
	p, err := parseDescribePart(m, coap.Block2)
	if etag, ok := m.Option(coap.ETag); ok && err == nil {
		p.ETag = etag
	}
	return p, err
}

func parseDescribePart(m *coap.Message, block coap.Option) (DescribePart, error) {
	p := DescribePart{Payload: m.Payload}
	switch len(m.Token) {
	case 0:
	case 1:
		p.Token, p.HasToken = m.Token[0], true
	default:
		return DescribePart{}, ErrToken
	}
	if format, ok := m.Uint(coap.ContentFormat); ok {
		p.Binary = format == FormatOctets
	}
	if value, ok := m.Option(block); ok {
		var err error
		if p.Block, err = coap.ParseBlock(value); err != nil {
			return DescribePart{}, ErrOption
		}
		p.HasBlock = true
	}
	return p, nil
}

// describeFlags reads the one raw byte of the Uri-Query.
func describeFlags(m *coap.Message) (DescribeFlags, error) {
	query, ok := m.Option(coap.URIQuery)
	if !ok || len(query) != 1 {
		return 0, ErrFlag
	}
	return DescribeFlags(query[0]), nil
}

// AppendPost appends the POST with which a device describes itself.
//
//	[40|41] 02 <id> [<token>] b1 'd' [11 2a] [3|4]1 <flags> [c1|c2 <block1>] ff <payload>
func (p *DescribePart) AppendPost(dst []byte, id uint16) ([]byte, error) {
	b := begin(dst, coap.Confirmable, coap.POST, id, p.token(), 'd')
	if p.Binary {
		b.Uint(coap.ContentFormat, FormatOctets)
	}
	b.Option(coap.URIQuery, []byte{byte(p.Flags)})
	if p.HasBlock {
		b.Block(coap.Block1, p.Block)
	}
	b.Payload(p.Payload)
	return b.Bytes()
}

// AppendAnswer appends a device's answer to a describe request, which comes by
// itself after an empty acknowledgement, and is CON also on TCP.
//
//	41 45 <id> <token> [4n <etag>] [c1|81 2a] [block2] ff <payload>
func (p *DescribePart) AppendAnswer(dst []byte, id uint16) ([]byte, error) {
	b := coap.Begin(dst, coap.Confirmable, coap.Content, id, p.token())
	if len(p.ETag) > 0 {
		b.Option(coap.ETag, p.ETag)
	}
	if p.Binary {
		b.Uint(coap.ContentFormat, FormatOctets)
	}
	if p.HasBlock {
		b.Block(coap.Block2, p.Block)
	}
	b.Payload(p.Payload)
	return b.Bytes()
}

func (p *DescribePart) token() []byte {
	if p.HasToken {
		return []byte{p.Token}
	}
	return nil
}

// AppendDescribeAck appends the acknowledgement of m, a POST with which a
// device describes itself: 2.31 with the block's number when more blocks
// follow, 2.04 at the end. On it the device sends the next block.
//
//	[60|61] 44 <id> [<token>]
//	61 5f <id> <token> d1 0e <block1>
func AppendDescribeAck(dst []byte, m *coap.Message) ([]byte, error) {
	p, err := ParseDescribePost(m)
	if err != nil {
		return dst, err
	}
	code := coap.Changed
	if p.HasBlock && p.Block.More {
		code = coap.Continue
	}
	b := coap.Begin(dst, coap.Acknowledgement, code, m.ID, m.Token)
	if code == coap.Continue {
		b.Block(coap.Block1, p.Block)
	}
	return b.Bytes()
}

// DescribeRequest is a request to describe one part, or to send one more block
// of an answer that did not fit one message.
type DescribeRequest struct {
	Token    byte
	Flags    DescribeFlags
	Block    coap.Block // meaningless without HasBlock
	HasBlock bool
}

// AppendDescribeRequest appends the request to describe one part; another
// number of parts is ErrFlag.
//
//	41 01 <id> <token> b1 'd' 41 <flag>
func AppendDescribeRequest(dst []byte, id uint16, token byte, flag DescribeFlags) ([]byte, error) {
	r := DescribeRequest{Token: token, Flags: flag}
	return r.Append(dst, id)
}

// Append appends the request. Blocks are asked for one after the other, each
// with a token of its own and with the size that the device chose: the device
// forgets the answer with its last block, or after 90 s.
//
//	41 01 <id> <token> b1 'd' 41 <flag> [81 <block2>]
func (r *DescribeRequest) Append(dst []byte, id uint16) ([]byte, error) {
	if !r.Flags.Single() {
		return dst, ErrFlag
	}
	b := begin(dst, coap.Confirmable, coap.GET, id, []byte{r.Token}, 'd')
	b.Option(coap.URIQuery, []byte{byte(r.Flags)})
	if r.HasBlock {
		b.Block(coap.Block2, r.Block)
	}
	return b.Bytes()
}

// ParseDescribeRequest reads a request to describe as a device does. Flags are
// returned as asked, also those that a device punishes; a request without them
// (Device OS before 3.3 answers with everything) is ErrFlag.
func ParseDescribeRequest(m *coap.Message) (DescribeRequest, error) {
	if ClassifyRequest(m) != KindDescribe {
		return DescribeRequest{}, ErrKind
	}
	token, err := Token(m)
	if err != nil {
		return DescribeRequest{}, err
	}
	r := DescribeRequest{Token: token}
	if r.Flags, err = describeFlags(m); err != nil {
		return DescribeRequest{}, err
	}
	if value, ok := m.Option(coap.Block2); ok {
		if r.Block, err = coap.ParseBlock(value); err != nil {
			return DescribeRequest{}, ErrOption
		}
		r.HasBlock = true
	}
	return r, nil
}
