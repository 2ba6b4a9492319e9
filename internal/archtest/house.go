package archtest

// room is a folder and what of ours its code may import. A name that ends in
// "/..." stands for the folder and everything below it.
type room struct {
	at  string
	may []string
}

// Sets of rooms that stand together on one side of an arrow in
// ARCHITECTURE.md.
var (
	vocabulary = []string{"cloud/fault", "cloud/account", "cloud/device", "cloud/product", "cloud/event"}
	engines    = []string{"cloud/session", "cloud/update", "cloud/bus", "cloud/store"}
	plumbing   = []string{"internal/build", "internal/dense", "internal/intern", "internal/pause", "internal/testlog"}
)

// house lists every room. One that is missing here is a finding, so a new room
// begins with a decision about what it may know.
var house = []room{
	// What crosses a process boundary, as pure code. Siblings only downhill.
	{"wire/dtls", []string{"wire/dtls/message"}},
	{"wire/dtls/message", nil},
	{"wire/sealed", nil},
	{"wire/coap", nil},
	{"wire/spark", []string{"wire/coap"}},
	{"wire/firmware", nil},
	{"wire/sse", nil},
	{"wire/rest", nil},

	// The words of the cloud: each may use those above it.
	{"cloud/fault", nil},
	{"cloud/account", vocabulary[:1]},
	{"cloud/device", vocabulary[:2]},
	{"cloud/product", vocabulary[:3]},
	{"cloud/event", vocabulary[:4]},

	{"cloud/doctor", vocabulary},
	{"cloud/lookout", nil},

	// Engines. A session imports neither store nor bus: it says what it needs.
	// The codes of failures that clients know stand in wire/rest.
	{"cloud/session/offer", with(vocabulary, "wire/spark")},
	{"cloud/session", with(vocabulary, "cloud/session/offer", "internal/ferry", "internal/intern", "wire/dtls", "wire/sealed", "wire/coap", "wire/spark", "wire/rest")},
	{"cloud/update", with(vocabulary, "wire/coap", "wire/spark", "wire/firmware")},
	{"cloud/bus", with(with(vocabulary, "wire/rest"), plumbing...)},
	{"cloud/bus/bustest", with(vocabulary, "cloud/bus")},
	{"cloud/store/sqlite", vocabulary[:1]},
	{"cloud/store", with(with(vocabulary, "wire/rest", "cloud/store/sqlite"), plumbing...)},
	{"cloud/store/eventlog", with(vocabulary, "wire/rest", "cloud/store/sqlite")},
	{"cloud/store/storetest", with(vocabulary, "cloud/store")},

	// Who is back after a disconnect: told by the bus, and asked of it.
	{"cloud/muster", with(vocabulary, "internal/dense")},

	// An ingress that only canaries use, and that is broken on purpose.
	{"cloud/drill", vocabulary},

	// How many devices are connected, and were: the gateway's count is handed in.
	{"cloud/headcount", with(vocabulary, "cloud/store/sqlite")},

	// Doors never import doors: they meet at the bus.
	{"cloud/gateway/lane", with(vocabulary, "internal/dense", "internal/ferry", "internal/intern", "cloud/session", "wire/dtls", "wire/sealed", "wire/spark")},
	{"cloud/gateway/handover", nil},
	{"cloud/gateway/onward", with(vocabulary, "cloud/bus", "cloud/gateway/handover")},
	{"cloud/gateway/admit", vocabulary},
	{"cloud/gateway/socket", []string{"cloud/gateway/lane"}},
	{"cloud/gateway/identify", with(vocabulary, "cloud/store", "cloud/gateway/lane")},
	{"cloud/gateway/roster", with(vocabulary, "internal/dense", "cloud/session", "cloud/store", "cloud/gateway/lane", "wire/dtls")},
	{"cloud/gateway", with(with(vocabulary, engines...), with(plumbing, "cloud/gateway/admit", "cloud/gateway/identify", "cloud/gateway/roster", "cloud/gateway/socket", "cloud/gateway/lane", "cloud/gateway/handover", "cloud/gateway/onward", "internal/ferry", "wire/dtls", "wire/sealed", "wire/spark", "wire/rest")...)},
	{"cloud/api/stream", with(vocabulary, "internal/ferry", "wire/rest", "wire/sse")},
	{"cloud/api/web", with(vocabulary, "wire/rest")},
	{"cloud/api/people", with(vocabulary, "cloud/api/web", "wire/rest")},
	{"cloud/api/drills", with(vocabulary, "cloud/api/web", "cloud/drill", "wire/rest")},
	{"cloud/api/fleet", with(vocabulary, "cloud/headcount", "cloud/api/web", "wire/rest", "wire/sse")},
	{"cloud/api/outage", with(vocabulary, "cloud/muster", "cloud/api/web", "cloud/store", "wire/rest")},
	{"cloud/api", with(with(vocabulary, engines...), with(plumbing, "cloud/doctor", "cloud/api/drills", "cloud/api/fleet", "cloud/api/outage", "cloud/api/stream", "cloud/api/web", "cloud/api/people", "wire/rest", "wire/sse", "wire/firmware")...)},
	{"cloud/webhook", with(with(vocabulary, engines...), with(plumbing, "wire/rest")...)},
	{"cloud/console", with(plumbing, "wire/rest")},

	// The stranger's side: never the cloud, whose faults it must not share.
	{"client", with(plumbing, "wire/rest", "wire/sse")},
	{"sim/...", with(plumbing, "sim/...", "client", "wire/...")},
	{"watch/...", with(plumbing, "watch/...", "sim/...", "client", "wire/...")},

	// Wiring and the outside.
	{"app", []string{"wire/...", "cloud/...", "watch/...", "sim/...", "client", "internal/..."}},
	{"cmd/cyan", with(plumbing, "app", "client", "sim/...", "wire/rest", "wire/sse", "cloud/fault", "watch/boards", "watch/desk", "watch/incident", "watch/hours", "watch/maintenance", "watch/moment", "watch/signal", "watch/status")},
	{"internal/...", []string{"internal/..."}},
	{"test/...", []string{"..."}},
}

// strangers lists what even tests of a room may not import: a test that needs
// it belongs into test/.
var strangers = []room{
	{"wire/...", []string{"client", "sim/...", "watch/...", "cloud/...", "app", "cmd/...", "test/..."}},
	{"client", []string{"sim/...", "watch/...", "cloud/...", "app", "cmd/...", "test/..."}},
	{"sim/...", []string{"watch/...", "cloud/...", "app", "cmd/...", "test/..."}},
	{"watch/...", []string{"cloud/...", "app", "cmd/...", "test/..."}},
	{"cloud/...", []string{"watch/...", "app", "cmd/...", "test/..."}},
	{"internal/...", []string{"wire/...", "client", "sim/...", "watch/...", "cloud/...", "app", "cmd/...", "test/..."}},
}

// library is foreign code and the rooms whose code may import it. Tests may
// use any library; the ones that only tests use have no rooms.
type library struct {
	module string // prefix of import paths
	rooms  []string
}

// shelf lists the libraries. Why each is there stands in
// docs/decisions/dependencies.md.
var shelf = []library{
	{"golang.org/x/crypto", []string{"wire/...", "cloud/...", "app", "cmd/...", "sim/..."}},
	{"google.golang.org/protobuf/encoding/protowire", []string{"wire/spark", "wire/firmware"}},
	{"golang.org/x/sys", []string{"cloud/gateway/socket", "cloud/gateway/handover", "sim/bench/...", "app", "cmd/..."}},
	{"github.com/gofrs/flock", []string{"app"}},
	{"modernc.org/sqlite", []string{"cloud/store/sqlite"}},
	{"github.com/nats-io", []string{"cloud/bus"}},
	{"github.com/prometheus/client_golang", []string{"cloud/...", "app", "watch/..."}},
	{"github.com/spf13", []string{"cmd/..."}},
	{"golang.org/x/term", []string{"cmd/..."}},
	{"go.yaml.in/yaml", []string{"app", "cmd/...", "watch/boards", "watch/notify", "watch/owners"}},
	{"github.com/wneessen/go-mail", []string{"watch/notify"}},
	{"github.com/arran4/golang-ical", []string{"watch/status/calendar"}},
	{"github.com/emersion/go-smtp", []string{"watch/notify/notifytest"}},
}

// with joins lists without changing either.
func with(list []string, more ...string) []string {
	return append(append([]string(nil), list...), more...)
}
