package main

import (
	"errors"
	"strings"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/internal/build"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// remote gives the client of the cloud that is meant.
func (c *cli) remote() (*client.Client, error) {
	api, token, err := c.aim()
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, fail(exitUnauthenticated, "nobody is logged in at "+api, "cyan login --api "+api+", or --token TOKEN")
	}
	return clientOf(api, token), nil
}

func clientOf(api, token string) *client.Client {
	return client.New(client.Config{URL: api, Token: token, UserAgent: "cyan/" + build.Current().Version})
}

// answerOf is what an API answered that an error came of; nil: it is no
// answer.
func answerOf(err error) *client.Error {
	e, _ := errors.AsType[*client.Error](err)
	return e
}

// fromAPI is the diagnosis of what an API answered; nil: it is not an answer.
func fromAPI(err error) *problem {
	e := answerOf(err)
	if e == nil {
		return nil
	}
	code, ok := exitOfAnswer[e.Body.Code]
	if !ok {
		code, ok = exitOfStatus[e.Status]
	}
	if !ok {
		code = exitFailed
	}
	p := &problem{code: code, text: e.Body.Description, err: err}
	if p.text == "" {
		p.text = e.Body.Message
	}
	p.hints = append(p.hints, answerHints(e)...)
	if e.Body.RequestID != "" {
		p.text += " (request " + e.Body.RequestID + ")"
	}
	return p
}

// hintOfAnswer has the next step after an answer of the API.
var hintOfAnswer = map[string]string{
	rest.CodeTokenMissing:    "cyan login",
	rest.CodeTokenInvalid:    "cyan login",
	rest.CodeTokenExpired:    "cyan login",
	rest.CodeCredentials:     "the first start of the cloud showed the administrator's name and password",
	rest.CodeDeviceUnknown:   "cyan list shows your devices; cyan device import or provision registers others",
	rest.CodeFunctionUnknown: "cyan list shows each device's functions",
	rest.CodeVariableUnknown: "cyan list shows each device's variables",
	rest.CodeNotConnected:    "cyan attempts DEVICE tells when it last tried, and what failed",
	rest.CodeSentNoAck:       "if it does not come back within minutes: cyan attempts DEVICE",
	rest.CodeAckedNoResponse: "the device hears us, its application is busy or hangs",
	rest.CodeNotYours:        "its owner has to release it, or to hand it over: cyan device transfer request ID",
}

// answerHints are the next steps after an answer: who could have been meant,
// in what state the device and the cloud are.
func answerHints(e *client.Error) []string {
	var hints []string
	for _, other := range e.Body.Candidates {
		hints = append(hints, "did you mean "+other.ID+" ("+other.Name+")?")
	}
	if h := hintOfAnswer[e.Body.Code]; h != "" {
		hints = append(hints, h)
	}
	if i := e.Body.Incident; i != nil {
		hints = append(hints, "Known incident since "+i.Since.UTC().Format("2006-01-02 15:04:05 UTC")+": "+i.Name+" ("+i.URL+"); your device is likely to be fine, do not reset it")
	}
	if e.Body.Cloud != nil && e.Body.Cloud.Maintenance != nil {
		m := e.Body.Cloud.Maintenance
		hints = append(hints, "Maintenance until "+m.Ends.UTC().Format("2006-01-02 15:04:05 UTC")+": "+m.Name+" ("+m.URL+"); try again after that, and leave your device as it is")
	}
	if e.Body.Cloud != nil && !e.Body.Cloud.Unwatched.IsZero() {
		hints = append(hints, "nobody watches the cloud: its watchtower is dead since "+e.Body.Cloud.Unwatched.UTC().Format("2006-01-02 15:04:05 UTC")+", and the status page says nothing of now")
	}
	if e.Body.Cloud != nil && e.Body.Cloud.Status != rest.CloudOK {
		hints = append(hints, "the cloud says of itself that it is "+strings.ToLower(e.Body.Cloud.Status)+": this is not your device's fault")
	}
	return hints
}
