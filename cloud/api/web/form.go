package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Form is the fields of a body, be it JSON or a form. Numbers and booleans
// of JSON are kept as they were written, and so are nested values; null is
// as if it were not there.
type Form map[string]string

// Get gives the first of the fields that is there.
func (f Form) Get(names ...string) (value string, ok bool) {
	for _, name := range names {
		if v, ok := f[name]; ok {
			return v, true
		}
	}
	return "", false
}

// List gives the first of the fields that is there as a list: an array of
// JSON, a field of forms that ends in [], or a text with spaces or commas
// between the parts.
func (f Form) List(names ...string) []string {
	text, _ := f.Get(names...)
	var list []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

// Truth reads a boolean field as programs send it; standard is for when it
// is missing.
func (f Form) Truth(name string, standard bool) (bool, error) {
	switch v, ok := f[name]; {
	case !ok || v == "":
		return standard, nil
	case v == "true" || v == "1":
		return true, nil
	case v == "false" || v == "0":
		return false, nil
	}
	return false, Malformed("the field " + name + " is neither true nor false")
}

// readForm reads the fields of the body, whatever the way in which they came.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) (Form, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fault.Errorf(fault.Invalid, "the request's body is longer than %d bytes", limit).
				WithCode(rest.CodeBodyTooLarge)
		}
		return nil, Malformed("the request's body did not arrive whole")
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return Form{}, nil
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return nil, Malformed("this path takes JSON or a form, not multipart/form-data")
	}
	// `curl -d '{…}'` says that it sends a form, and means JSON.
	if kind == "application/json" || strings.HasSuffix(kind, "+json") || body[0] == '{' && json.Valid(body) {
		return parseJSON(body)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, Malformed("the request's body is neither JSON nor a form")
	}
	return unfold(values), nil
}

// unfold makes fields of a form's values. Programs write lists and objects in
// brackets, groups[]=a&groups[]=b and account_info[first_name]=Ada: they
// become what JSON would have said.
func unfold(values url.Values) Form {
	f := make(Form, len(values))
	objects := map[string]map[string]string{}
	for name, v := range values {
		outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		switch {
		case !nested || !strings.HasSuffix(name, "]"):
			f[name] = v[0]
		case inner == "":
			f[outer] = jsonOf(v)
		case objects[outer] == nil:
			objects[outer] = map[string]string{inner: v[0]}
		default:
			objects[outer][inner] = v[0]
		}
	}
	for name, object := range objects {
		f[name] = jsonOf(object)
	}
	return f
}

// jsonOf writes texts as JSON.
func jsonOf(v any) string {
	text, _ := json.Marshal(v) // texts can always be written
	return string(text)
}

func parseJSON(body []byte) (Form, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, Malformed("the request's body is not a JSON object")
	}
	f := make(Form, len(fields))
	for name, raw := range fields {
		switch raw[0] {
		case '"':
			var v string
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, Malformed("the field " + Printable(name, 40) + " cannot be read")
			}
			f[name] = v
		case 'n': // null
		default:
			f[name] = string(raw)
		}
	}
	return f, nil
}
