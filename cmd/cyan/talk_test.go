package main

import "testing"

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		line, indent string
		width        int
		want         string
	}{
		{"short", "", 80, "short"},
		{"one two three", "", 7, "one two\nthree"},
		{"one two three", "  ", 7, "one two\n  three"},
		{"  → one two three", "    ", 11, "  → one two\n    three"},
		{"name  is  apart", "", 10, "name  is \napart"},
		{"incomprehensibilities are long", "", 10, "incomprehensibilities\nare long"},
		{"a incomprehensibilities", "", 10, "a incomprehensibilities"},
		{"", "", 10, ""},
	} {
		if got := wrap(tc.line, tc.indent, tc.width); got != tc.want {
			t.Errorf("%q in %d columns: %q, want %q", tc.line, tc.width, got, tc.want)
		}
	}
}

func TestReflow(t *testing.T) {
	const text = "The first line\nand the second.\n\nA table:\n  one    1\n  two    2\nGoes on.\n3    as it is"
	const want = "The first\nline and\nthe second.\n\nA table:\n  one    1\n  two    2\nGoes on.\n3    as it is"
	if got := reflow(text, 11); got != want {
		t.Errorf("got\n%s", got)
	}
}
