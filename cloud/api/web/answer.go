package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// response counts what is answered.
type response struct {
	http.ResponseWriter
	status int
	code   string // of a failure
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Answered says that a handler answered past w: it took the connection.
func Answered(w http.ResponseWriter, status int) {
	if r, ok := w.(*response); ok {
		r.status = status
	}
}

// Answer writes v as JSON.
func Answer(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fault.E(fault.Internal, "the answer cannot be written as JSON", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))) // a client that is gone needs no answer
	return nil
}

// AnswerRaw writes a bare value. It is never taken for a page.
func AnswerRaw(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // a client that is gone needs no answer
	return nil
}
