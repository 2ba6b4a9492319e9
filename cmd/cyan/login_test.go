package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/cyan-cloud/cyan/client"
)

// typedIn gives a file with a text in it, for standard input.
func typedIn(t *testing.T, text string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, text)
	w.Close()
	t.Cleanup(func() { r.Close() })
	return r
}

// A login whose cloud wants a second factor goes on with its code.
func TestLoginWithSecondFactor(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.FormValue("grant_type") == "password" && r.FormValue("password") == "secret":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":"mfa_required","error_description":"a code, too","mfa_token":"waiting"}`)
		case r.FormValue("mfa_token") == "waiting" && r.FormValue("otp") == "123456":
			fmt.Fprint(w, `{"access_token":"good"}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"not good","code":"invalid_credentials"}`)
		}
	}))
	defer api.Close()
	for _, tc := range []struct {
		name, password, otp string
		want                exitCode
	}{
		{"both are right", "secret", "123456", exitOK},
		{"a wrong code", "secret", "654321", exitUnauthenticated},
		{"a wrong password", "sesame", "123456", exitUnauthenticated},
		{"nobody to ask for the code", "secret", "", exitUsage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &cli{in: typedIn(t, tc.password+"\n"), out: io.Discard, err: io.Discard}
			token, err := c.authenticate(t.Context(), api.URL, credentials{username: "ada", otp: tc.otp, fromStdin: true}, client.Grant{})
			if got := c.report(err); got != tc.want {
				t.Errorf("exit code %d, want %d: %v", got, tc.want, err)
			}
			if tc.want == exitOK && token.AccessToken != "good" {
				t.Errorf("token %q", token.AccessToken)
			}
		})
	}
}

// How long a token shall be good.
func TestLifetimes(t *testing.T) {
	for word, want := range map[string]string{
		"": "0s", "never": "endless", "90d": "2160h0m0s", "12h": "12h0m0s", "1h30m": "1h30m0s",
		"soon": "wrong", "0d": "wrong", "-5d": "wrong", "5": "wrong", "1ms": "wrong", "d": "wrong",
	} {
		var g client.Grant
		got := "wrong"
		if err := parseLifetime(word, &g); err == nil {
			got = g.ExpiresIn.String()
			if g.Endless {
				got = "endless"
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
