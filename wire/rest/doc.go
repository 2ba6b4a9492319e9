// Package rest is the HTTP API as data: its paths, the JSON shapes of its
// bodies, the error body and the codes in it. Server and clients share it;
// it speaks to nobody itself.
//
// The shapes are those that Particle's clients know, with fields of our own
// added; a client that does not know them loses nothing.
package rest
