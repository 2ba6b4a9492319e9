package rest

// Exception is a path on which a failure has another status than the table of
// errors says, because programs pin it there.
type Exception struct {
	Code   string
	Status int    // of HTTP; the row's Or
	Path   string // where
	Why    string
}

// Exceptions lists them all. A call of a function is not among them: the
// command lines take any 404 there for a function that is not there, and the
// newest shows nothing else, so that a device that is not there is 403 on every
// path but this one.
func Exceptions() []Exception { return exceptions }

var exceptions = []Exception{
	{
		CodeDeviceUnknown, 404, "POST /v1/devices",
		"who claims a device that nobody has registered is not refused: there is none, and clients know the words",
	},
}
