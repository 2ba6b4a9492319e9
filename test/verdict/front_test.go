package verdict

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// hangs lets requests hang until the caller goes away.
func hangs(method, word string) door.Spoiler {
	return door.Answer(method, word, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
}

// refusesTokens takes nobody's token, and gives nobody one, though they are good.
func refusesTokens(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "" && !strings.Contains(r.URL.Path, "oauth") {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = fmt.Fprintf(w, `{"ok":false,"error":"invalid_token","error_description":"The access token provided is invalid.","code":%q}`, rest.CodeTokenInvalid)
	return true
}

// silent opens event streams that nothing ever comes of.
func silent() door.Spoiler {
	return door.Answer(http.MethodGet, "events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, ":ok\n\n")
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		<-r.Context().Done()
	})
}
