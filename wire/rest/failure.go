package rest

import "net/http"

// Failure is a row of the table of errors: what an error body's code means,
// which status comes with it, and the words that begin its `error`.
type Failure struct {
	Code   string
	Status int
	Or     int    // another status for the same, as programs expect it on some paths; 0: none
	Words  string // that programs compare; empty: `error` begins with the sentence
	Whole  bool   // Words are all of `error`, and the sentence stands in error_description alone
	Cause  string // for people
	Next   string // what to do about it
}

// Failures is the table of errors, in the order in which it is printed.
func Failures() []Failure { return failures }

// FailureOf finds a code's row.
func FailureOf(code string) (Failure, bool) {
	for i := range failures {
		if failures[i].Code == code {
			return failures[i], true
		}
	}
	return Failure{}, false
}

// The last rows are codes that are kinds of failure: nothing finer is known.
var failures = []Failure{
	{CodeTokenMissing, http.StatusBadRequest, 0, OAuthInvalidRequest, true, "no token came with the request", "log in, and send the token in the Authorization header"},
	{CodeTokenInvalid, http.StatusUnauthorized, 0, OAuthInvalidToken, true, "there is no such token: it is mistyped, revoked, or another server's", "log in again"},
	{CodeTokenExpired, http.StatusUnauthorized, 0, OAuthExpiredToken, true, "the token's time is over", "log in again"},
	{CodeScopeMissing, http.StatusForbidden, 0, OAuthScope, false, "the token is limited to other things", "use a token with the scope that the sentence names"},
	{CodeCredentials, http.StatusBadRequest, 0, OAuthInvalidGrant, true, "wrong username or password", "check both"},
	{CodePasswordMissing, http.StatusBadRequest, 0, "", false, "the path wants a username and a password", "send them by HTTP Basic"},
	{CodePasswordWrong, http.StatusForbidden, 0, "", false, "the current password was to be confirmed and is another one", "check it"},
	{CodeSignUpClosed, http.StatusForbidden, 0, "", false, "people do not make themselves accounts on this server", "ask its administrator"},
	{CodeUsernameTaken, http.StatusConflict, 0, "", false, "somebody has an account of that name", "choose another, or log in"},
	{CodeGrantType, http.StatusBadRequest, 0, OAuthUnsupported, true, "not a way to log in here", "use grant_type=password"},
	{CodeTooManyLogins, http.StatusTooManyRequests, 0, "", false, "too many failed logins from one address", "wait as long as Retry-After says"},
	{CodeReservedEventName, http.StatusForbidden, 0, "", false, "event names beginning with spark or particle are the cloud's", "choose another name"},
	{CodeNotYours, http.StatusForbidden, 0, WordsPermissionDenied, false, "the device belongs to someone else", "have its owner remove it first"},

	{CodeRouteUnknown, http.StatusNotFound, 0, "", false, "no such path", "check it for a typing error"},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, 0, "", false, "the path has no such method", "use one of those in the Allow header"},
	{CodeNotImplemented, http.StatusNotImplemented, 0, "", false, "this server does not offer that", "nothing: it is no mistake of yours"},
	{CodeBodyTooLarge, http.StatusRequestEntityTooLarge, 0, "", false, "the body is too long", "send less"},
	{CodeBodyMalformed, http.StatusBadRequest, 0, "", false, "the body, or a parameter, cannot be read", "correct what the sentence names"},
	{CodeDeviceUnknown, http.StatusForbidden, http.StatusNotFound, "", false, "no such device, or none of yours", "check name and id against the list"},
	{CodeNameAmbiguous, http.StatusConflict, 0, "", false, "several of your devices have the name", "use one of the ids in candidates"},
	{CodeNameTaken, http.StatusConflict, 0, "", false, "another of your devices has the name", "choose another"},
	{CodeFunctionUnknown, http.StatusNotFound, 0, "", false, "the device is connected and has no such function", "check the name against the device's list"},
	{CodeVariableUnknown, http.StatusNotFound, 0, "", false, "the device is connected and has no such variable", "check the name against the device's list"},
	{CodeArgumentTooLong, http.StatusBadRequest, 0, "", false, "the argument is longer than this device takes", "shorten it to what the sentence allows"},
	{CodePrefixMissing, http.StatusBadRequest, 0, "", false, "the stream of everybody's events needs a prefix", "name one"},
	{CodeKeyInvalid, http.StatusBadRequest, 0, "", false, "not a public key of the kind that the device uses", "send the device's public key in PEM"},

	{CodeNotConnected, http.StatusRequestTimeout, 0, WordsTimedOut, false, "the device is offline; nothing was sent", "look at its attempts to connect"},
	{CodeSentNoAck, http.StatusRequestTimeout, 0, WordsTimedOut, false, "the device acknowledged nothing", "look at its connection; try again"},
	{CodeAckedNoResponse, http.StatusRequestTimeout, 0, WordsTimedOut, false, "the device has the message, and its application did not answer", "look for what blocks its loop"},
	{CodeDeviceBusy, http.StatusTooManyRequests, 0, "", false, "too many requests to this device are on their way", "wait for some of them"},
	{CodeDeviceError, http.StatusBadGateway, 0, "", false, "the device answered with an error", "look at its application"},
	{CodeDeviceRefused, http.StatusBadRequest, 0, "", false, "the device found the request wrong", "look at its application"},
	{CodeBadAnswer, http.StatusBadGateway, 0, "", false, "the device's answer makes no sense", "look at its application"},

	{CodeOverloaded, http.StatusServiceUnavailable, 0, "", false, "this server has too much to do", "try again after Retry-After"},
	{CodeStoreUnavailable, http.StatusServiceUnavailable, 0, "", false, "the database does not answer", "try again; its operator sees it in /readyz"},
	{CodeBusUnavailable, http.StatusServiceUnavailable, 0, "", false, "the bus between the parts of the cloud does not answer", "try again; its operator sees it in /readyz"},
	{CodeGatewayUnavailable, http.StatusServiceUnavailable, 0, "", false, "the node that holds the device does not answer", "try again"},

	{"internal", http.StatusInternalServerError, 0, "", false, "a defect of this server", "report it with the request_id"},
	{"invalid", http.StatusBadRequest, 0, "", false, "something in the request cannot be", "correct what the sentence names"},
	{"unauthenticated", http.StatusUnauthorized, 0, "", false, "nobody knows who is asking", "log in again"},
	{"denied", http.StatusForbidden, 0, "", false, "not allowed", "ask its owner"},
	{"not_found", http.StatusNotFound, 0, "", false, "there is no such thing", "check the name"},
	{"conflict", http.StatusConflict, 0, "", false, "it contradicts what is there", "look at what is there first"},
	{"offline", http.StatusRequestTimeout, 0, "", false, "the device is not connected", "wait for it"},
	{"timeout", http.StatusRequestTimeout, 0, "", false, "the answer took too long", "try again"},
	{"busy", http.StatusTooManyRequests, 0, "", false, "too much at once", "slow down as Retry-After says"},
	{"unavailable", http.StatusServiceUnavailable, 0, "", false, "a part of the cloud is down", "try again after Retry-After"},
}
