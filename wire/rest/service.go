package rest

// ServiceAccount is a program that acts for a user, limited to scopes.
type ServiceAccount struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Scopes    []string      `json:"scopes"`
	CreatedAt Time          `json:"created_at"`
	Tokens    []ListedToken `json:"tokens,omitempty"` // where one is asked for
}

// ServiceAccounts lists a user's service accounts.
type ServiceAccounts struct {
	ServiceAccounts []ServiceAccount `json:"service_accounts"`
}

// ServiceToken answers who has made a service account, or another token of
// one: the only time that the token is shown.
type ServiceToken struct {
	OK             bool           `json:"ok"`
	ServiceAccount ServiceAccount `json:"service_account"`
	Token          string         `json:"token"`
	ExpiresIn      int64          `json:"expires_in"` // seconds; 0: never
}

// AddService is the body that makes a service account.
type AddService struct {
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	ExpiresIn int64    `json:"expires_in,omitempty"` // seconds that its first token is good for; 0: for ever
}

// AuditEntry is a line of the audit log: who did what to what.
type AuditEntry struct {
	ID             string `json:"id"`
	At             Time   `json:"at"`
	User           Text   `json:"user"`            // the account's id; null: nobody knows who it was
	ServiceAccount Text   `json:"service_account"` // that acted for the user; null: the user
	Token          Text   `json:"token"`           // the first digits of what the list of tokens calls it
	Source         string `json:"source"`          // address
	Action         string `json:"action"`          // login, device.claim, …
	Object         Text   `json:"object"`          // what it was done to
	Outcome        string `json:"outcome"`         // ok, or the code of the error
	RequestID      string `json:"request_id"`
}

// AuditPage is a part of the audit log, newest first.
type AuditPage struct {
	Entries []AuditEntry `json:"entries"`
	Next    Text         `json:"next"` // what to ask for with before=; null: there is no more
}

// Transfer is somebody's wish to have another's device.
type Transfer struct {
	ID        string `json:"id"`
	DeviceID  string `json:"device_id"`
	Direction string `json:"direction"`    // incoming: somebody asks for yours; outgoing: you ask for somebody's
	Name      Text   `json:"name"`         // of the device; only incoming
	Username  Text   `json:"requested_by"` // only incoming
	CreatedAt Time   `json:"created_at"`
	ExpiresAt Time   `json:"expires_at"`
}

// The values of Transfer.Direction.
const (
	TransferIncoming = "incoming"
	TransferOutgoing = "outgoing"
)

// Transfers lists the transfers that wait for an answer.
type Transfers struct {
	Transfers []Transfer `json:"transfers"`
}

// AnswerTransfer is the body with which an owner answers.
type AnswerTransfer struct {
	Accept bool `json:"accept"`
}
