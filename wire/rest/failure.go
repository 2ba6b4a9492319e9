package rest

// Failure is a row of the table of errors: what an error body's code means,
// which status comes with it, and the words that begin its `error`.
type Failure struct {
	Code   string
	Status int    // of HTTP
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
	{CodeTokenMissing, 400, 0, OAuthInvalidRequest, true, "no token came with the request", "log in, and send the token in the Authorization header"},
	{CodeTokenInvalid, 401, 0, OAuthInvalidToken, true, "there is no such token: it is mistyped, revoked, or another server's", "log in again"},
	{CodeTokenExpired, 401, 0, OAuthExpiredToken, true, "the token's time is over", "log in again"},
	{CodeScopeMissing, 403, 0, OAuthScope, false, "the token is limited to other things", "use a token with the scope that the sentence names"},
	{CodeCredentials, 400, 0, OAuthInvalidGrant, true, "wrong username or password", "check both"},
	{CodePasswordMissing, 400, 0, "", false, "the path wants a username and a password", "send them by HTTP Basic"},
	{CodePasswordWrong, 403, 0, "", false, "the current password was to be confirmed and is another one", "check it"},
	{CodeSignUpClosed, 403, 0, "", false, "people do not make themselves accounts on this server", "ask its administrator"},
	{CodeUsernameTaken, 409, 0, "", false, "somebody has an account of that name", "choose another, or log in"},
	{CodeGrantType, 400, 0, OAuthUnsupported, true, "not a way to log in here", "use grant_type=password, or urn:custom:mfa-otp after mfa_required"},
	{CodeTooManyLogins, 429, 0, "", false, "too many failed logins from one address", "wait as long as Retry-After says"},
	{CodeSecondFactor, 403, 0, OAuthMFARequired, true, "the account has a second factor", "send the code that the authenticator shows, with mfa_token"},
	{CodeSecondFactorWrong, 403, 0, OAuthInvalidGrant, true, "not a code of the second factor, or one that was used already", "wait for the next code, or use a recovery code"},
	{CodeTicketOver, 403, 0, OAuthInvalidGrant, true, "the login waited too long for its code, or was tried too often", "begin anew, with the password"},
	{CodeSecondFactorNone, 409, 0, "", false, "the account has no second factor", "nothing"},
	{CodeRateLimited, 429, 0, "", false, "too many requests from one address", "wait as long as Retry-After says"},
	{CodeReservedEventName, 403, 0, "", false, "event names beginning with spark or particle are the cloud's", "choose another name"},
	{CodeNotYours, 403, 0, WordsPermissionDenied, false, "the device belongs to someone else", "have its owner remove it first"},
	{CodeRestartForbidden, 403, 0, "", false, "its owner has not allowed that it is restarted from here", "if it is yours, and may restart at any time: restart_when_silent"},

	{CodeRouteUnknown, 404, 0, "", false, "no such path", "check it for a typing error"},
	{CodeMethodNotAllowed, 405, 0, "", false, "the path has no such method", "use one of those in the Allow header"},
	{CodeNotImplemented, 501, 0, "", false, "this server does not offer that", "nothing: it is no mistake of yours"},
	{CodeBodyTooLarge, 413, 0, "", false, "the body is too long", "send less"},
	{CodeBodyMalformed, 400, 0, "", false, "the body, or a parameter, cannot be read", "correct what the sentence names"},
	{CodeDeviceUnknown, 403, 404, "", false, "no such device, or none of yours", "check name and id against the list"},
	{CodeNameAmbiguous, 409, 0, "", false, "several of your devices have the name", "use one of the ids in candidates"},
	{CodeNameTaken, 409, 0, "", false, "another of your devices has the name", "choose another"},
	{CodeFunctionUnknown, 404, 0, "", false, "the device is connected and has no such function", "check the name against the device's list"},
	{CodeVariableUnknown, 404, 0, "", false, "the device is connected and has no such variable", "check the name against the device's list"},
	{CodeArgumentTooLong, 400, 0, "", false, "the argument is longer than this device takes", "shorten it to what the sentence allows"},
	{CodePrefixMissing, 400, 0, "", false, "the stream of everybody's events needs a prefix", "name one"},
	{CodeKeyInvalid, 400, 0, "", false, "not a public key of the kind that the device uses", "send the device's public key in PEM"},

	{CodeNotConnected, 408, 0, WordsTimedOut, false, "the device is offline; nothing was sent", "look at its attempts to connect"},
	{CodeSentNoAck, 408, 0, WordsTimedOut, false, "the device acknowledged nothing", "look at its connection; try again"},
	{CodeAckedNoResponse, 408, 0, WordsTimedOut, false, "the device has the message, and its application did not answer", "look for what blocks its loop"},
	{CodeDeviceBusy, 429, 0, "", false, "too many requests to this device are on their way", "wait for some of them"},
	{CodeDeviceError, 502, 0, "", false, "the device answered with an error", "look at its application"},
	{CodeDeviceRefused, 400, 0, "", false, "the device found the request wrong", "look at its application"},
	{CodeBadAnswer, 502, 0, "", false, "the device's answer makes no sense", "look at its application"},

	{CodeOverloaded, 503, 0, "", false, "this server has too much to do", "try again after Retry-After"},
	{CodeStoreUnavailable, 503, 0, "", false, "the database does not answer", "try again; its operator sees it in /readyz"},
	{CodeBusUnavailable, 503, 0, "", false, "the bus between the parts of the cloud does not answer", "try again; its operator sees it in /readyz"},
	{CodeGatewayUnavailable, 503, 0, "", false, "the node that holds the device does not answer", "try again"},

	{"internal", 500, 0, "", false, "a defect of this server", "report it with the request_id"},
	{"invalid", 400, 0, "", false, "something in the request cannot be", "correct what the sentence names"},
	{"unauthenticated", 401, 0, "", false, "nobody knows who is asking", "log in again"},
	{"denied", 403, 0, "", false, "not allowed", "ask its owner"},
	{"not_found", 404, 0, "", false, "there is no such thing", "check the name"},
	{"conflict", 409, 0, "", false, "it contradicts what is there", "look at what is there first"},
	{"offline", 408, 0, "", false, "the device is not connected", "wait for it"},
	{"timeout", 408, 0, "", false, "the answer took too long", "try again"},
	{"busy", 429, 0, "", false, "too much at once", "slow down as Retry-After says"},
	{"unavailable", 503, 0, "", false, "a part of the cloud is down", "try again after Retry-After"},
}
