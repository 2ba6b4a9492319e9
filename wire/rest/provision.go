package rest

// Provision is the body that registers a device with its public key.
type Provision struct {
	DeviceID  string `json:"deviceID"`
	PublicKey string `json:"publicKey"` // PEM, or base64 of the DER of a SubjectPublicKeyInfo
	Algorithm string `json:"algorithm"` // rsa or ecc
	Filename  string `json:"filename,omitempty"`
	Order     string `json:"order,omitempty"`
}

// Provisioned is the answer to Provision.
type Provisioned struct {
	OK          bool   `json:"ok"`
	ID          string `json:"id"`
	Algorithm   string `json:"algorithm"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of the key's DER, in hex
}
