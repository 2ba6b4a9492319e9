package rest

// The codes that an error body's `code` can have. They are stable: programs
// branch on them, and the sentence beside them may change. The comment names
// the HTTP status. A failure with no code of its own carries the name of its
// kind: internal, invalid, denied, not_found, conflict, busy, unavailable.
const (
	// Who is asking.
	CodeTokenMissing      = "token_missing"       // 400: no token came with the request
	CodeTokenInvalid      = "invalid_token"       // 401: there is no such token
	CodeTokenExpired      = "expired_token"       // 401: its time is over
	CodeScopeMissing      = "scope_missing"       // 403: the token is not for this
	CodeCredentials       = "invalid_credentials" // 400: wrong username or password
	CodePasswordMissing   = "password_missing"    // 400: the path wants a username and a password
	CodePasswordWrong     = "wrong_password"      // 403: not the caller's password
	CodeSignUpClosed      = "sign_up_closed"      // 403: strangers cannot make themselves accounts here
	CodeUsernameTaken     = "username_taken"      // 409
	CodeGrantType         = "unsupported_grant"   // 400: not a way to log in here
	CodeTooManyLogins     = "too_many_logins"     // 429: too many failed logins from one source
	CodeReservedEventName = "reserved_event_name" // 403: only the cloud publishes spark… and particle…
	CodeSecondFactor      = "mfa_required"        // 403: a code of the second factor is wanted, too
	CodeSecondFactorWrong = "invalid_otp"         // 403: not a code of the second factor, or one that was used
	CodeTicketOver        = "mfa_token_over"      // 403: the login waited too long for its code, or was tried too often
	CodeSecondFactorNone  = "mfa_not_enrolled"    // 409: there is no second factor
	CodeRateLimited       = "rate_limited"        // 429: too many requests from one source
	CodeNotYours          = "not_yours"           // 403: the device belongs to someone else
	CodeRestartForbidden  = "restart_forbidden"   // 403: its owner has not allowed that it is restarted from here

	// What is asked for.
	CodeRouteUnknown     = "route_unknown"         // 404: no such path
	CodeMethodNotAllowed = "method_not_allowed"    // 405: the path has no such method
	CodeNotImplemented   = "not_implemented"       // 501: this server does not offer it
	CodeBodyTooLarge     = "body_too_large"        // 413
	CodeBodyMalformed    = "malformed_body"        // 400: neither JSON nor a form, or not in the route's shape
	CodeDeviceUnknown    = "unknown_device"        // 403, on function calls 404: no such device, or not yours
	CodeNameAmbiguous    = "ambiguous_device_name" // 409: several devices have the name
	CodeNameTaken        = "device_name_taken"     // 409: another of the caller's devices has the name
	CodeFunctionUnknown  = "unknown_function"      // 404
	CodeVariableUnknown  = "unknown_variable"      // 404
	CodeArgumentTooLong  = "argument_too_long"     // 400: longer than this device takes
	CodePrefixMissing    = "event_prefix_missing"  // 400: the stream of everybody's events needs a prefix
	CodeKeyInvalid       = "invalid_key"           // 400: not a public key of the kind that the device uses

	// How a device fails to answer.
	CodeNotConnected    = "not_connected"     // 408: it is offline
	CodeSentNoAck       = "sent_no_ack"       // 408: it acknowledged nothing
	CodeAckedNoResponse = "acked_no_response" // 408: it has the message, its application did not answer
	CodeDeviceBusy      = "device_busy"       // 429: too many calls are waiting for it
	CodeDeviceError     = "device_error"      // 502: it answered with an error
	CodeDeviceRefused   = "refused_by_device" // 400: it found the request wrong
	CodeBadAnswer       = "bad_answer"        // 502: its answer makes no sense

	// What is wrong here.
	CodeOverloaded         = "overloaded"          // 503: this server has too much to do
	CodeStoreUnavailable   = "store_unavailable"   // 503: the database does not answer
	CodeBusUnavailable     = "bus_unavailable"     // 503: the bus between the doors does not answer
	CodeGatewayUnavailable = "gateway_unavailable" // 503: the node that holds the device does not answer
)
