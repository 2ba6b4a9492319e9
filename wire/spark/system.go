package spark

import (
	"encoding/hex"
	"strconv"
)

// hashLen is the size of a SHA-256, in bytes.
const hashLen = 32

// maxSystemText bounds the texts of a system describe: serial numbers of 15 to
// 20 digits and version strings.
const maxSystemText = 128

// System is the system part of a describe.
type System struct {
	PlatformID     uint16 // 0 in Device OS 5.5 and later: only the Hello has it
	IMEI           string // of the cellular modem; "" without one
	ICCID          string // of the SIM
	ModemFirmware  string
	Modules        []Module
	Assets         []Asset // on the device's storage (≥ 5.5)
	ProtectedState bool    // security features are on (≥ 5.5)
	EnvHash        []byte  // SHA-256 of the environment variables (newest)
}

// Module is a firmware module in one of the device's stores. The hash is the
// identity of user firmware.
type Module struct {
	Type         ModuleType
	Index        uint32
	Version      uint32
	Store        ModuleStore
	MaxSize      uint32 // of the slot, in bytes
	Size         uint32 // of the image, in bytes; 0 before Device OS 5.5
	Checked      ModuleChecks
	Passed       ModuleChecks
	Hash         []byte // SHA-256; JSON gives that of user parts only
	Dependencies []Dependency
	Assets       []Asset // assets that the module depends on (≥ 5.5)
	Security     uint32  // 1: protected (≥ 5.5)
	Fingerprint  []byte  // of the certificate that protects it (≥ 5.5)
}

// Dependency is a module that must be there, in that version or a later one.
type Dependency struct {
	Type    ModuleType
	Index   uint32
	Version uint32
}

// Asset is a file that is bundled with an application.
type Asset struct {
	Hash        []byte // SHA-256
	Name        string
	Size        uint32 // in bytes
	StorageSize uint32 // as stored, compressed, in bytes
}

// ModuleType is what a firmware module is for.
type ModuleType uint8

// Types of modules. JSON writes them as one letter, protobuf as this number.
const (
	ModuleNone       ModuleType = 0
	ModuleResource   ModuleType = 1
	ModuleBootloader ModuleType = 2
	ModuleMono       ModuleType = 3
	ModuleSystem     ModuleType = 4
	ModuleUser       ModuleType = 5
	ModuleSettings   ModuleType = 6
	ModuleNCP        ModuleType = 7
	ModuleRadio      ModuleType = 8
	ModuleAsset      ModuleType = 9
)

// moduleLetters are indexed by ModuleType; "?" stands for those without one.
const moduleLetters = "nrbmsu?ca?"

// ModuleStore is where a module lies.
type ModuleStore uint8

// Stores. JSON writes them as one letter, protobuf as this number.
const (
	StoreMain       ModuleStore = 0
	StoreFactory    ModuleStore = 1
	StoreBackup     ModuleStore = 2
	StoreScratchpad ModuleStore = 3
)

// storeLetters are indexed by ModuleStore.
const storeLetters = "mfbt"

// ModuleChecks are checks of a module's validity.
type ModuleChecks uint32

// Checks that a device makes before it runs a module.
const (
	CheckIntegrity        ModuleChecks = 2
	CheckDependencies     ModuleChecks = 4
	CheckRange            ModuleChecks = 8
	CheckPlatform         ModuleChecks = 16
	CheckProduct          ModuleChecks = 32
	CheckFullDependencies ModuleChecks = 64
)

// ParseSystem reads the system part of a describe: protobuf when it came with
// Content-Format 42 (Device OS 5.5 and later), JSON otherwise. Malformed, it is
// ErrDescribe; beyond a bound, ErrTooLarge.
func ParseSystem(payload []byte, binary bool) (*System, error) {
	d, err := ParseDescribe(payload, binary)
	if err == nil && d.System == nil {
		return nil, ErrDescribe
	}
	return d.System, err
}

// system reads one of the system's fields.
func (r jsonReader) system(s *System, field string) (err error) {
	switch field {
	case "p":
		var id uint32
		id, err = r.number(16)
		s.PlatformID = uint16(id)
	case "imei":
		s.IMEI, err = r.text(maxSystemText)
	case "iccid":
		s.ICCID, err = r.text(maxSystemText)
	case "cellfw":
		s.ModemFirmware, err = r.text(maxSystemText)
	case "m":
		s.Modules = nil
		err = r.array(MaxModules, func() error {
			m, err := r.module()
			s.Modules = append(s.Modules, m)
			return err
		})
	}
	return err
}

// module reads a module:
//
//	{"s":max size,"l":"m","vc":checked,"vv":passed,"u":"hash","f":"u","n":"1","v":version,"d":[…]}
func (r jsonReader) module() (Module, error) {
	var m Module
	err := r.object(func(field string) (err error) {
		var n uint32
		switch field {
		case "s":
			m.MaxSize, err = r.number(32)
		case "l":
			n, err = r.letter(storeLetters)
			m.Store = ModuleStore(n)
		case "vc":
			n, err = r.number(32)
			m.Checked = ModuleChecks(n)
		case "vv":
			n, err = r.number(32)
			m.Passed = ModuleChecks(n)
		case "u":
			m.Hash, err = r.hash()
		case "f":
			n, err = r.letter(moduleLetters)
			m.Type = ModuleType(n)
		case "n":
			m.Index, err = r.number(32)
		case "v":
			m.Version, err = r.number(32)
		case "d":
			m.Dependencies = nil
			err = r.array(MaxDependencies, func() error {
				d, err := r.dependency()
				m.Dependencies = append(m.Dependencies, d)
				return err
			})
		default:
			err = r.skip()
		}
		return err
	})
	return m, err
}

func (r jsonReader) dependency() (Dependency, error) {
	var d Dependency
	err := r.object(func(field string) (err error) {
		switch field {
		case "f":
			var n uint32
			n, err = r.letter(moduleLetters)
			d.Type = ModuleType(n)
		case "n":
			d.Index, err = r.number(32)
		case "v":
			d.Version, err = r.number(32)
		default:
			err = r.skip()
		}
		return err
	})
	return d, err
}

// letter reads a string of one letter and returns its place in the alphabet; an
// unknown letter counts as the first one.
func (r jsonReader) letter(alphabet string) (uint32, error) {
	s, err := r.text(maxSystemText)
	for i := range alphabet {
		if s == alphabet[i:i+1] && s != "?" {
			return uint32(i), err
		}
	}
	return 0, err
}

// AppendSystemJSON appends the system part of a describe as Device OS before
// 5.5 writes it. What that has no field for is left out.
func AppendSystemJSON(dst []byte, s *System) []byte {
	dst = append(dst, '{')
	dst = appendSystemFields(dst, s)
	return append(dst, '}')
}

// AppendDescribeJSON appends both parts in one object, as Device OS before 5.5
// does when asked for both. d.System must not be nil.
func AppendDescribeJSON(dst []byte, d *Describe) []byte {
	dst = append(dst, '{')
	dst = appendApplicationFields(dst, d)
	dst = append(dst, ',')
	dst = appendSystemFields(dst, d.System)
	return append(dst, '}')
}

func appendSystemFields(dst []byte, s *System) []byte {
	dst = append(dst, `"p":`...)
	dst = strconv.AppendUint(dst, uint64(s.PlatformID), 10)
	for _, text := range []struct{ name, value string }{
		{"imei", s.IMEI}, {"iccid", s.ICCID}, {"cellfw", s.ModemFirmware},
	} {
		if text.value != "" {
			dst = append(dst, ',')
			dst = appendJSONString(dst, text.name)
			dst = append(dst, ':')
			dst = appendJSONString(dst, text.value)
		}
	}
	dst = append(dst, `,"m":[`...)
	for i := range s.Modules {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendModuleJSON(dst, &s.Modules[i])
	}
	return append(dst, ']')
}

func appendModuleJSON(dst []byte, m *Module) []byte {
	dst = append(dst, `{"s":`...)
	dst = strconv.AppendUint(dst, uint64(m.MaxSize), 10)
	dst = append(dst, `,"l":"`...)
	dst = append(dst, letterOf(storeLetters, int(m.Store)))
	dst = append(dst, `","vc":`...)
	dst = strconv.AppendUint(dst, uint64(m.Checked), 10)
	dst = append(dst, `,"vv":`...)
	dst = strconv.AppendUint(dst, uint64(m.Passed), 10)
	if len(m.Hash) > 0 {
		dst = append(dst, `,"u":"`...)
		dst = hex.AppendEncode(dst, m.Hash)
		dst = append(dst, '"')
	}
	dst = append(dst, ',')
	dst = appendModuleName(dst, m.Type, m.Index, m.Version)
	dst = append(dst, `,"d":[`...)
	for i, d := range m.Dependencies {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = appendModuleName(dst, d.Type, d.Index, d.Version)
		dst = append(dst, '}')
	}
	return append(dst, "]}"...)
}

// appendModuleName appends the fields that modules and dependencies share. The
// index is a string on the wire.
func appendModuleName(dst []byte, t ModuleType, index, version uint32) []byte {
	dst = append(dst, `"f":"`...)
	dst = append(dst, letterOf(moduleLetters, int(t)))
	dst = append(dst, `","n":"`...)
	dst = strconv.AppendUint(dst, uint64(index), 10)
	dst = append(dst, `","v":`...)
	return strconv.AppendUint(dst, uint64(version), 10)
}

func letterOf(alphabet string, i int) byte {
	if i < len(alphabet) && alphabet[i] != '?' {
		return alphabet[i]
	}
	return alphabet[0]
}
