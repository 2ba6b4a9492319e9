package rest

// Provision is the body that registers a device with its public key.
type Provision struct {
	DeviceID  string `json:"deviceID"`
	PublicKey string `json:"publicKey"` // PEM, or base64 of the DER of a SubjectPublicKeyInfo
	Algorithm string `json:"algorithm"` // rsa or ecc
	Filename  string `json:"filename,omitempty"`
	Order     string `json:"order,omitempty"`
}

// Claim is the body that makes a device that is nobody's the caller's.
type Claim struct {
	ID              string `json:"id"`
	RequestTransfer bool   `json:"request_transfer"` // from its owner, if it has one
}

// Claimed is the answer to Claim.
type Claimed struct {
	OK        bool   `json:"ok"`
	UserID    string `json:"user_id"`
	ID        string `json:"id"`
	Connected bool   `json:"connected"`

	// TransferID is there when the device is somebody else's, who was asked
	// for it: it is not the caller's yet.
	TransferID string `json:"transfer_id,omitempty"`
}

// ClaimCode is the answer to POST /v1/device_claims: a code that makes the one
// device that sends it within the hour the caller's.
type ClaimCode struct {
	Code      string   `json:"claim_code"` // 63 characters
	DeviceIDs []string `json:"device_ids"` // that the caller has already: the new one will be another
	ExpiresAt Time     `json:"expires_at"`
}

// Provisioned is the answer to Provision.
type Provisioned struct {
	OK          bool   `json:"ok"`
	ID          string `json:"id"`
	Algorithm   string `json:"algorithm"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of the key's DER, in hex
}
