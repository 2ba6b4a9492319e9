package watch

import (
	"io"
	"net/http"

	"github.com/cyan-cloud/cyan/test/watch/door"
)

// broken answers that the cloud has a fault where the path has the word.
func broken(method, word string) door.Spoiler {
	return says(method, word, http.StatusServiceUnavailable, `{"ok":false,"error":"broken","error_description":"it is broken","code":"store_unavailable"}`)
}

// deaf answers as if all were well, and passes nothing on.
func deaf(method, word, answer string) door.Spoiler {
	return says(method, word, http.StatusOK, answer)
}

func says(method, word string, status int, answer string) door.Spoiler {
	return door.Answer(method, word, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
}
